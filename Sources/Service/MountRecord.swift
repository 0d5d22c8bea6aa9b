import CLinux
public import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// The mounts of a store, written down in the directory of its daemon (the store, or a runtime directory): a daemon that is killed leaves them behind dead, and whoever comes next
/// takes them away.
///
/// It only helps. Whatever it contains, nobody is kept from using the store, nothing is unmounted but a dead mount of Tine that was of this store,
/// and no directory is removed but an empty one that looks as Tine makes it.
public struct MountRecord: Sendable {
  private let file: SmallFile

  /// One mount, and whether its directory was made for it.
  public struct Entry: Codable, Sendable {
    public let mount: Mount
    public let madeDirectory: Bool
    /// The number of its file system, as stat(2) gives it.
    public let device: UInt64?

    public init(mount: Mount, madeDirectory: Bool, device: UInt64) {
      self.mount = mount
      self.madeDirectory = madeDirectory
      self.device = device
    }
  }

  /// What was done about the mounts of a killed daemon.
  public struct Clearing: Sendable {
    /// From where dead mounts were taken away.
    public fileprivate(set) var directories: [BytePath] = []
    /// Why others could not be taken away; they are in the record still.
    public fileprivate(set) var failures: [Failure] = []
    /// What is wrong with the record itself, in a line for people.
    public fileprivate(set) var damage: String?
  }

  /// - Parameter directory: where the daemon keeps what it has to.
  public init(in directory: String) { file = SmallFile(directory + "/mounts.json") }

  /// Replaces the record.
  public func write(_ entries: [Entry]) throws(Failure) {
    do {
      if entries.isEmpty { return try file.remove() }
      try file.replace(with: [UInt8](try JSON.encode(entries)))
    } catch {
      throw Failure(.failed, "cannot write \(file.path): \(error)")
    }
  }

  /// Takes away the mounts that a killed daemon left behind.
  public func clear() -> Clearing {
    var clearing = Clearing()
    var left: [Entry] = []
    let entries = read(&clearing)
    if entries.isEmpty, clearing.damage == nil { return clearing }
    for entry in entries {
      do throws(Failure) {
        if try clear(entry) { clearing.directories.append(entry.mount.directory) }
      } catch {
        clearing.failures.append(error)
        left.append(entry)
      }
    }
    do throws(Failure) { try write(left) } catch { clearing.damage = clearing.damage ?? error.message }
    return clearing
  }

  /// Takes away what any killed daemon of a store left behind: one that wrote to it, or ones of this user that only read it.
  public static func clearAll(of store: String) -> Clearing {
    var clearing = MountRecord(in: store).clear()
    _ = try? RuntimeDirectory(of: store).first { (directory: consuming FileDescriptor) throws(Failure) -> Bool? in
      let more = MountRecord(in: "/proc/self/fd/\(directory.rawValue)").clear()
      clearing.directories += more.directories
      clearing.failures += more.failures
      clearing.damage = clearing.damage ?? more.damage
      return nil
    }
    return clearing
  }

  private func read(_ clearing: inout Clearing) -> [Entry] {
    do {
      guard let bytes = try file.read() else { return [] }
      return try JSON.decode([Entry].self, from: Data(bytes))
    } catch let failure as Failure {
      clearing.damage = "\(file.path) is no record of mounts, and is removed: \(failure.message)"
    } catch {
      clearing.damage = "\(file.path) cannot be read, and is removed: \(error)"
    }
    return []
  }

  private func clear(_ entry: Entry) throws(Failure) -> Bool {
    let directory = entry.mount.directory.text
    let isDead = isDead(entry)
    if isDead {
      // It may be mounted at other directories too.
      let places = entry.device.flatMap { try? MountInfo.places(of: $0) } ?? []
      for place in places where place != directory && isOnTop(entry, at: place) { try detach(place) }
      try detach(directory)
    }
    if entry.madeDirectory, looksMade(directory) { rmdir(directory) }
    return isDead
  }

  /// Detaching takes what is on top of a path, which may be another file system.
  private func isOnTop(_ entry: Entry, at place: String) -> Bool {
    guard let device = entry.device, let top = try? MountInfo.top(at: place) else { return false }
    return top.has(device: device)
  }

  /// Whether a mount of this store is on top there that nobody serves. No other file system is asked for anything: it might not answer. The kernel may
  /// know the attributes of the root still, so the question must be one that goes to the one who serves it.
  private func isDead(_ entry: Entry) -> Bool {
    let mounts = (try? MountInfo.all()) ?? []
    guard let top = mounts.last(where: { $0.mountPoint == entry.mount.directory.bytes }), top.type == "fuse.tine",
      entry.device.map({ top.has(device: $0) }) ?? true
    else { return false }
    var statistics = statvfs()
    guard statvfs(entry.mount.directory.text, &statistics) != 0 else { return false }
    return [Errno.notConnected, Errno(rawValue: ECONNABORTED)].contains(.last)
  }

  /// Whether it is as this user's daemon makes directories; rmdir(2) sees to it that it is empty and no mount point.
  private func looksMade(_ directory: String) -> Bool {
    var status = stat()
    return lstat(directory, &status) == 0 && status.st_mode == S_IFDIR | 0o700 && status.st_uid == geteuid()
  }

  private func detach(_ directory: String) throws(Failure) {
    if linux_unmount(directory, true) == 0 { return }
    let error = Errno.last
    let helper = Command(["fusermount3", "-u", "-z", "--", directory], environment: [Array("PATH=/usr/bin:/bin".utf8)])
    guard error == .notPermitted, let child = try? helper.start(), child.wait() == .exited(0) else {
      throw Failure(
        .failed, "cannot take away the dead mount at \(directory.quoted): \(error)", hint: "unmount it with 'umount -l'"
      )
    }
  }
}
