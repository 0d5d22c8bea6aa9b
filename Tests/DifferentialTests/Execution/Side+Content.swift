import Glibc
import PosixCalls
import SystemIO

extension Side {
  func take(_ action: ContentAction, _ slot: Slot) throws(Errno) -> Outcome {
    guard let handle = handles[slot] else { return .noHandle }
    let file = handle.file
    if try !isWholeBlocks(action, handle) { return .leftOut("direct I/O of parts of blocks") }
    switch action {
    case .read(let count): return try read(file, count, nil)
    case .readAt(let offset, let count): return try read(file, count, offset)
    case .write(let content): return try write(file, content.bytes, nil)
    case .writeAt(let offset, let content): return try write(file, content.bytes, offset)
    case .writeVector(let offset, let contents):
      if handle.flags.contains(.direct) { return try write(file, contents.flatMap(\.bytes), offset) }
      return .number(try file.write(contents.map(\.bytes), at: offset))
    case .append(let content): return .number(try file.append(content.bytes))
    case .seek(let offset, let origin): return try seek(file, offset, origin)
    case .allocate(let mode, let offset, let count): try file.allocate(mode, at: offset, count: count)
    case .copyRange(let offset, let target, let targetOffset, let count):
      guard let target = handles[target] else { return .noHandle }
      return try copy(file, offset, target.file, targetOffset, count)
    case .synchronize(let scope): try synchronize(file, scope)
    case .together(let transfers): return try take(transfers, file)
    }
    return .done
  }

  private func read(_ file: OpenFile, _ count: Int, _ offset: Int?) throws(Errno) -> Outcome {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 4096)
    defer { buffer.deallocate() }
    let memory = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    return .bytes(Array(memory[..<(try file.read(into: memory, at: offset))]))
  }

  private func write(_ file: OpenFile, _ bytes: [UInt8], _ offset: Int?) throws(Errno) -> Outcome {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 4096)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    return .number(try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<bytes.count]), at: offset))
  }

  /// Copies until all is copied or there is no more: one call may copy less.
  private func copy(
    _ source: OpenFile, _ offset: Int, _ target: OpenFile, _ targetOffset: Int, _ count: Int
  ) throws(Errno) -> Outcome {
    var done = try source.copy(at: offset, count: count, to: target, at: targetOffset)
    while done > 0, done < count {
      let more = try source.copy(at: offset + done, count: count - done, to: target, at: targetOffset + done)
      if more == 0 { break }
      done += more
    }
    return .number(done)
  }

  /// Where data and holes are found is the file system's business, within limits: see `FileContent`.
  private func seek(_ file: OpenFile, _ offset: Int, _ origin: SeekOrigin) throws(Errno) -> Outcome {
    if origin == .end, try file.status().isDirectory { return .leftOut("the end of a directory, which is no size") }
    guard origin == .data || origin == .hole else { return .number(try file.seek(offset, from: origin)) }
    guard try file.status().kind == S_IFREG else { return .leftOut("holes of what is no file") }
    try file.seek(0)
    defer { _ = try? file.seek(0) }
    let size = Int(try file.status().size)
    let found = try? file.seek(offset, from: origin)
    guard offset >= 0, offset < size else {
      return found == nil ? .failed(.last) : .broken("SEEK at \(offset) of \(size): \(found ?? -1)")
    }
    if origin == .hole, found == nil { return .broken("SEEK_HOLE \(offset) of \(size): \(Errno.last)") }
    let end = found ?? size
    return end >= offset && end <= size ? .done : .broken("SEEK at \(offset) of \(size): \(end)")
  }

  private func synchronize(_ file: OpenFile, _ scope: SynchronizationScope) throws(Errno) {
    switch scope {
    case .all: try file.synchronize()
    case .dataOnly: try file.synchronizeData()
    case .fileSystem: try file.synchronizeFileSystem()
    }
    if scope != .fileSystem { unsettled.remove(try file.status().inode) }
  }

  /// Whether direct I/O has offsets and sizes that ext4 takes. Where they are not, the other may well do the work.
  private func isWholeBlocks(_ action: ContentAction, _ handle: Handle) throws(Errno) -> Bool {
    func isWhole(_ numbers: Int...) -> Bool { numbers.allSatisfy { $0 % 512 == 0 } }
    if case .copyRange(let offset, let target, let targetOffset, let count) = action, let target = handles[target] {
      let isDirect = handle.flags.contains(.direct) || target.flags.contains(.direct)
      guard isDirect else { return true }
      let size = Int(try handle.file.status().size)
      return isWhole(offset, targetOffset, count) && offset + count <= size
    }
    guard handle.flags.contains(.direct) else { return true }
    let end = handle.flags.contains(.append) ? Int(try handle.file.status().size) : 0
    switch action {
    case .read(let count): return isWhole(count, (try? handle.file.seek(0, from: .current)) ?? 0)
    case .write(let content): return isWhole(content.count, (try? handle.file.seek(0, from: .current)) ?? 0, end)
    case .readAt(let offset, let count): return isWhole(offset, count)
    // What the call is given is not aligned.
    case .append: return false
    case .writeAt(let offset, let content): return isWhole(offset, content.count, end)
    case .writeVector(let offset, let contents): return isWhole(offset, contents.reduce(0) { $0 + $1.count }, end)
    case .seek, .allocate, .synchronize, .copyRange, .together: return true
    }
  }
}
