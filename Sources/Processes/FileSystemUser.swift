import CLinux
import Glibc

/// A process that uses a file system: it has a file of it open or mapped, runs a program of it, or stands in one of its directories.
///
/// What this user may not see of others, it does not see here either.
public struct FileSystemUser: Hashable, Sendable {
  public let process: Int32
  /// Its program.
  public let name: String

  /// Those that use the file system with a device number, but for this process. No file system is asked for anything.
  public static func all(of device: UInt64) -> [FileSystemUser] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var users: [FileSystemUser] = []
    while let entry = readdir(directory) {
      guard let process = pid_t(name(of: entry)), process != getpid(), uses(process, device) else { continue }
      users.append(FileSystemUser(process: process, name: ProcessTable.name(of: process)))
    }
    return users.sorted { $0.process < $1.process }
  }

  private static func uses(_ process: pid_t, _ device: UInt64) -> Bool {
    for link in ["cwd", "root", "exe"] where linux_device_of_link("/proc/\(process)/\(link)") == device { return true }
    return hasOpen(process, device) || maps(process, device)
  }

  private static func hasOpen(_ process: pid_t, _ device: UInt64) -> Bool {
    guard let files = opendir("/proc/\(process)/fd") else { return false }
    defer { closedir(files) }
    while let entry = readdir(files) {
      if linux_device_of_link("/proc/\(process)/fd/\(name(of: entry))") == device { return true }
    }
    return false
  }

  /// A line of the list reads `7f5c… r--s 00000000 00:47 12 /mnt/prod/file`; the numbers of the device are hexadecimal.
  private static func maps(_ process: pid_t, _ device: UInt64) -> Bool {
    ProcessTable.contents(of: "/proc/\(process)/maps").split(separator: UInt8(ascii: "\n")).contains { line in
      let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
      guard fields.count > 3 else { return false }
      let numbers = fields[3].split(separator: UInt8(ascii: ":")).compactMap {
        UInt32(String(decoding: $0, as: UTF8.self), radix: 16)
      }
      return numbers.count == 2 && linux_device(numbers[0], numbers[1]) == device
    }
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
