import CFUSE
import Glibc
import SystemIO

/// The functions that libfuse calls: each one turns a C call into a method of the session's `Operations`.
enum Callbacks {
  /// Made once, never changed or freed.
  nonisolated(unsafe) static let table: UnsafePointer<fuse_lowlevel_ops> = {
    var table = fuse_lowlevel_ops()
    addSession(to: &table)
    addNodes(to: &table)
    addNames(to: &table)
    addFiles(to: &table)
    addContent(to: &table)
    addDirectories(to: &table)
    addExtendedAttributes(to: &table)
    let memory = UnsafeMutablePointer<fuse_lowlevel_ops>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
  }()

  private static func addSession(to table: inout fuse_lowlevel_ops) {
    table.`init` = { session, connection in
      Unmanaged<Session>.fromOpaque(session!).takeUnretainedValue().negotiation.prepare(&connection!.pointee)
    }
    table.statfs = { raw, node in
      let session = session(of: raw)
      let parked = request(raw, Statistics.self).park()
      session.order.afterEverythingBegun {
        if let request = parked.take() { session.operations.statfs(request, node: node) }
      }
    }
  }

  private static func addNodes(to table: inout fuse_lowlevel_ops) {
    table.forget = { raw, node, count in
      let session = session(of: raw)
      session.operations.forget(node, count: count, in: session)
      fuse_reply_none(raw)
    }
    table.forget_multi = { raw, count, forgets in
      let session = session(of: raw)
      for forget in UnsafeBufferPointer(start: forgets, count: count) {
        session.operations.forget(forget.ino, count: forget.nlookup, in: session)
      }
      fuse_reply_none(raw)
    }
    table.getattr = { raw, node, _ in
      let session = session(of: raw)
      if session.incoming.isExtendedStatus {
        session.operations.statx(request(raw), node: node)
      } else {
        session.operations.getattr(request(raw), node: node)
      }
    }
    table.setattr = { raw, node, status, mask, _ in
      session(of: raw).operations.setattr(request(raw), node: node, changes: .init(status!.pointee, mask: mask))
    }
    table.access = { raw, node, mask in
      session(of: raw).operations.access(request(raw), node: node, mask: mask)
    }
    table.ioctl = { raw, node, command, _, _, _, _, _, _ in
      session(of: raw).operations.ioctl(request(raw), node: node, command: UInt32(truncatingIfNeeded: command))
    }
  }

  private static func addNames(to table: inout fuse_lowlevel_ops) {
    table.lookup = { raw, parent, name in
      session(of: raw).operations.lookup(request(raw), name: bytes(name), in: parent)
    }
    table.readlink = { raw, node in
      session(of: raw).operations.readlink(request(raw), node: node)
    }
    table.mknod = { raw, parent, name, mode, device in
      session(of: raw).operations.mknod(
        request(raw), name: bytes(name), in: parent, mode: mode, device: UInt32(truncatingIfNeeded: device))
    }
    table.mkdir = { raw, parent, name, mode in
      session(of: raw).operations.mkdir(request(raw), name: bytes(name), in: parent, mode: mode)
    }
    table.symlink = { raw, target, parent, name in
      session(of: raw).operations.symlink(request(raw), name: bytes(name), in: parent, target: bytes(target))
    }
    table.link = { raw, node, parent, name in
      session(of: raw).operations.link(request(raw), node: node, name: bytes(name), in: parent)
    }
    table.unlink = { raw, parent, name in
      session(of: raw).operations.unlink(request(raw), name: bytes(name), in: parent)
    }
    table.rmdir = { raw, parent, name in
      session(of: raw).operations.rmdir(request(raw), name: bytes(name), in: parent)
    }
    table.rename = { raw, parent, name, newParent, newName, flags in
      session(of: raw).operations.rename(
        request(raw), name: bytes(name), in: parent, to: bytes(newName), in: newParent, flags: flags)
    }
  }

  private static func addFiles(to table: inout fuse_lowlevel_ops) {
    table.create = { raw, parent, name, mode, file in
      let session = session(of: raw)
      let flags = file!.pointee.flags
      if session.incoming.isTemporaryFile {
        session.operations.tmpfile(request(raw), in: parent, mode: mode, flags: flags)
      } else {
        session.operations.create(request(raw), name: bytes(name), in: parent, mode: mode, flags: flags)
      }
    }
    table.open = { raw, node, file in
      let session = session(of: raw)
      let clears = session.incoming.flags & UInt32(FUSE_OPEN_KILL_SUIDGID) != 0
      session.operations.open(
        request(raw), node: node, options: OpenOptions(flags: file!.pointee.flags, clearsPrivileges: clears))
    }
    table.release = { raw, node, file in
      session(of: raw).operations.release(request(raw), node: node, file: reference(file))
    }
    table.flush = { raw, node, file in
      session(of: raw).operations.flush(request(raw), node: node, file: reference(file))
    }
    table.fsync = { raw, node, dataOnly, file in
      session(of: raw).operations.fsync(request(raw), node: node, dataOnly: dataOnly != 0, file: reference(file))
    }
  }

  private static func addContent(to table: inout fuse_lowlevel_ops) {
    table.read = { raw, node, count, offset, file in
      session(of: raw).operations.read(
        request(raw), node: node, at: UInt64(bitPattern: Int64(offset)), count: count, file: reference(file))
    }
    table.write = { raw, node, bytes, count, offset, file in
      let session = session(of: raw)
      session.operations.write(
        request(raw), node: node, at: UInt64(bitPattern: Int64(offset)), bytes: .init(start: bytes, count: count),
        options: WriteOptions(rawValue: session.incoming.flags), file: reference(file))
    }
    table.fallocate = { raw, node, mode, offset, length, file in
      session(of: raw).operations.fallocate(
        request(raw), node: node, mode: mode, offset: UInt64(bitPattern: Int64(offset)),
        length: UInt64(bitPattern: Int64(length)), file: reference(file))
    }
    table.copy_file_range = { raw, source, sourceOffset, _, target, targetOffset, _, count, _ in
      session(of: raw).operations.copyFileRange(
        request(raw), from: source, at: UInt64(bitPattern: Int64(sourceOffset)), to: target,
        at: UInt64(bitPattern: Int64(targetOffset)), count: count)
    }
    table.lseek = { raw, node, offset, whence, _ in
      session(of: raw).operations.lseek(
        request(raw), node: node, offset: UInt64(bitPattern: Int64(offset)), whence: whence)
    }
  }

  private static func addDirectories(to table: inout fuse_lowlevel_ops) {
    table.opendir = { raw, node, _ in
      session(of: raw).operations.opendir(request(raw), node: node)
    }
    table.readdir = { raw, node, room, cookie, _ in
      session(of: raw).operations.readdir(
        request(raw), node: node, after: UInt64(bitPattern: Int64(cookie)), room: room)
    }
    table.readdirplus = { raw, node, room, cookie, _ in
      session(of: raw).operations.readdirplus(
        request(raw), node: node, after: UInt64(bitPattern: Int64(cookie)), room: room)
    }
    table.releasedir = { raw, node, _ in
      session(of: raw).operations.releasedir(request(raw), node: node)
    }
    table.fsyncdir = { raw, node, dataOnly, _ in
      session(of: raw).operations.fsyncdir(request(raw), node: node, dataOnly: dataOnly != 0)
    }
  }

  private static func addExtendedAttributes(to table: inout fuse_lowlevel_ops) {
    table.setxattr = { raw, node, _, _, _, _ in
      let session = session(of: raw)
      let isExtended = session.negotiation.flags.contains(.extendedSetxattr)
      guard let attribute = SetAttribute(session.incoming.setxattr, isExtended: isExtended) else {
        return request(raw, Done.self).fail(.invalidArgument)
      }
      session.operations.setxattr(
        request(raw), node: node, name: attribute.name, value: attribute.value, options: attribute.options)
    }
    table.getxattr = { raw, node, name, room in
      session(of: raw).operations.getxattr(request(raw), node: node, name: bytes(name), room: room)
    }
    table.listxattr = { raw, node, room in
      session(of: raw).operations.listxattr(request(raw), node: node, room: room)
    }
    table.removexattr = { raw, node, name in
      session(of: raw).operations.removexattr(request(raw), node: node, name: bytes(name))
    }
  }
}

private func session(of raw: OpaquePointer?) -> Session {
  Unmanaged<Session>.fromOpaque(fuse_req_userdata(raw)).takeUnretainedValue()
}

private func request<Answer: Reply & ~Copyable>(
  _ raw: OpaquePointer?, _ answer: Answer.Type = Answer.self
) -> Request<Answer> {
  let session = Unmanaged<Session>.fromOpaque(fuse_req_userdata(raw))
  return Request(RawRequest(pointer: raw!, number: session.takeUnretainedValue().incoming.number), session)
}

private func bytes(_ name: UnsafePointer<CChar>?) -> [UInt8] {
  guard let name else { return [] }
  return Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
}

private func reference(_ file: UnsafePointer<fuse_file_info>?) -> FileReference {
  FileReference(handle: file?.pointee.fh ?? 0, flags: file?.pointee.flags ?? 0)
}
