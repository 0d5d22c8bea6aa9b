import Glibc
import SystemIO

/// Leaves the control group of the process that started the daemon: a service that ends has all of its group killed, and what limits a service or an
/// attempt is not meant for the daemon.
///
/// Only in the hierarchies by which groups are ended: that of version 2, and systemd's named one of version 1. Controllers of version 1 stay, for
/// nothing is killed by them, and mostly a container has set their limits.
enum ControlGroups {
  private struct Hierarchy {
    /// The group of this process, from the root of the hierarchy.
    let group: String
    /// Nil for version 2.
    let name: String?
  }

  /// Moves this process to the roots, or to groups of its own; returns what could not be left, in lines for people.
  static func leave() -> [String] {
    let mounts = (try? MountInfo.all()) ?? []
    return hierarchies.compactMap { hierarchy in
      guard let root = mounts.lazy.compactMap({ directory($0, of: hierarchy) }).first else {
        return "it stays in the control group \(hierarchy.group): its hierarchy is not mounted"
      }
      do throws(Errno) {
        try move(below: root)
        return nil
      } catch {
        return "it stays in the control group \(hierarchy.group): \(error)"
      }
    }
  }

  /// Where a root may not hold processes, as that of a container may not, there is a group beside the starter's.
  private static func move(below root: String) throws(Errno) {
    do throws(Errno) {
      try enter(root)
    } catch {
      let own = root + "/tine"
      guard mkdir(own, 0o755) == 0 || Errno.last == .exists else { throw error }
      try enter(own)
    }
  }

  private static func enter(_ group: String) throws(Errno) {
    // "0" is the process that writes.
    try FileDescriptor(opening: group + "/cgroup.procs", flags: O_WRONLY).writeAll(Array("0".utf8))
  }

  /// Those in which this process is in a group below the root. A line is `4:memory:/group`, `1:name=systemd:/group` or `0::/group`.
  private static var hierarchies: [Hierarchy] {
    let bytes = (try? FileDescriptor(opening: "/proc/self/cgroup", flags: O_RDONLY).readAll()) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2] != "/" else { return nil }
      if fields[1].isEmpty { return Hierarchy(group: String(fields[2]), name: nil) }
      return fields[1].hasPrefix("name=") ? Hierarchy(group: String(fields[2]), name: String(fields[1])) : nil
    }
  }

  /// The directory of a hierarchy's root, where this is a mount of it.
  private static func directory(_ mount: MountInfo, of hierarchy: Hierarchy) -> String? {
    guard mount.root == "/" else { return nil }
    let isRight =
      switch hierarchy.name {
      case nil: mount.type == "cgroup2"
      case let name?: mount.type == "cgroup" && mount.options.contains(name)
      }
    return isRight ? String(decoding: mount.mountPoint, as: UTF8.self) : nil
  }
}
