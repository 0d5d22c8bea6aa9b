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
    ProcessTable.numbers(in: "/proc").filter { $0 != getpid() && uses($0, device) }.sorted()
      .map { FileSystemUser(process: $0, name: ProcessTable.name(of: $0)) }
  }

  private static func uses(_ process: pid_t, _ device: UInt64) -> Bool {
    for link in ["cwd", "root", "exe"] where linux_device_of_link("/proc/\(process)/\(link)") == device { return true }
    return hasOpen(process, device) || maps(process, device)
  }

  private static func hasOpen(_ process: pid_t, _ device: UInt64) -> Bool {
    ProcessTable.numbers(in: "/proc/\(process)/fd").contains {
      linux_device_of_link("/proc/\(process)/fd/\($0)") == device
    }
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
}
