import CLinux
public import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// The mounts of a store, written down in it: a daemon that is killed leaves them behind dead, and whoever comes next
/// takes them away.
public struct MountRecord: Sendable {
  private let path: String

  /// One mount, and whether its directory was made for it.
  public struct Entry: Codable, Sendable {
    public let mount: Mount
    public let madeDirectory: Bool

    public init(mount: Mount, madeDirectory: Bool) {
      self.mount = mount
      self.madeDirectory = madeDirectory
    }
  }

  public init(store: String) { path = store + "/mounts.json" }

  /// Replaces the record.
  public func write(_ entries: [Entry]) throws(Failure) {
    do {
      if entries.isEmpty {
        try removeRecord()
        return
      }
      let bytes = [UInt8](try JSON.encode(entries))
      let temporary = path + ".new"
      try writeFile(temporary, bytes)
      try retryingInterrupts { rename(temporary, path) }
    } catch {
      throw Failure(.failed, "cannot write \(path): \(error)")
    }
  }

  /// Takes away the mounts that a killed daemon left behind, and returns their directories.
  @discardableResult
  public func clear() throws(Failure) -> [BytePath] {
    var cleared: [BytePath] = []
    for entry in try read() {
      let directory = entry.mount.directory.text
      if isDead(directory) {
        try detach(directory)
        cleared.append(entry.mount.directory)
      }
      // A directory that somebody else put something into stays.
      if entry.madeDirectory { rmdir(directory) }
    }
    do throws(Errno) { try removeRecord() } catch { throw Failure(.failed, "cannot remove \(path): \(error)") }
    return cleared
  }

  private func read() throws(Failure) -> [Entry] {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try FileDescriptor(opening: path, flags: O_RDONLY).readAll()
    } catch {
      if error == .noSuchFile { return [] }
      throw Failure(.failed, "cannot read \(path): \(error)")
    }
    return try JSON.decode([Entry].self, from: Data(bytes))
  }

  private func writeFile(_ path: String, _ bytes: [UInt8]) throws(Errno) {
    let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o600)
    let written = try retryingInterrupts { Glibc.write(file.rawValue, bytes, bytes.count) }
    guard written == bytes.count else { throw .noSpace }
  }

  private func removeRecord() throws(Errno) {
    do throws(Errno) { try retryingInterrupts { unlink(path) } } catch { if error != .noSuchFile { throw error } }
  }

  /// Whether a mount stands there that nobody serves. The kernel may know the attributes of its root still, so the
  /// question must be one that goes to whoever serves it.
  private func isDead(_ directory: String) -> Bool {
    var statistics = statvfs()
    guard statvfs(directory, &statistics) != 0 else { return false }
    return [Errno.notConnected, Errno(rawValue: ECONNABORTED)].contains(.last)
  }

  private func detach(_ directory: String) throws(Failure) {
    if linux_unmount(directory, true) == 0 { return }
    let error = Errno.last
    let helper = Command(["fusermount3", "-u", "-z", "--", directory], environment: [Array("PATH=/usr/bin:/bin".utf8)])
    guard error == .notPermitted, let child = try? helper.start(), child.wait() == .exited(0) else {
      throw Failure(
        .failed, "cannot take away the dead mount at \(directory): \(error)", hint: "unmount it with 'umount -l'")
    }
  }
}
