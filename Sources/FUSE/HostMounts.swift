import Glibc
public import SystemIO

/// The mounts that this process sees, as /proc/self/mountinfo lists them at one moment.
///
/// A line reads `36 35 0:71 / /mnt/prod rw,… shared:1 - fuse.tine tine:prod rw,…`: the first field is the number of the mount,
/// the third the device, the fourth the directory of the file system that is mounted, the fifth the mount point, and the first
/// after the lone hyphen the type. Mounts come in the order in which they were made, so that of those at one path the last is on top.
public struct HostMounts: Sendable {
  public struct Entry: Sendable {
    public let number: UInt64
    /// As stat(2) tells it of every file of the file system.
    public let device: UInt64
    /// `/`, unless a directory of the file system was mounted by itself.
    public let root: String
    /// The mount point's path as it is now. Bytes that are not UTF-8 show as U+FFFD.
    public let path: String
    public let type: String
  }

  public let entries: [Entry]

  /// Reads the list.
  public init() throws(Errno) {
    guard let file = fopen("/proc/self/mountinfo", "re") else { throw .last }
    defer { fclose(file) }
    var text: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(text) }
    var entries: [Entry] = []
    while getline(&text, &capacity, file) > 0, let text {
      if let entry = Entry(line: String(cString: text)) { entries.append(entry) }
    }
    self.entries = entries
  }

  /// The directories at which the root of a file system is mounted, the latest last.
  public func places(of device: UInt64) -> [String] {
    entries.filter { $0.device == device && $0.root == "/" }.map(\.path)
  }

  /// The mount that a directory belongs to; nil if it is in another mount namespace, or out of this process's root directory.
  func mount(of directory: borrowing FileDescriptor) throws(Errno) -> Entry? {
    let information = try FileDescriptor(opening: "/proc/self/fdinfo/\(directory.rawValue)", flags: O_RDONLY)
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = try retryingInterrupts { read(information.rawValue, &bytes, bytes.count) }
    let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
    let number = lines.first { $0.hasPrefix("mnt_id:") }.flatMap { UInt64($0.dropFirst(7).drop { $0 == "\t" }) }
    return entries.first { $0.number == number }
  }
}

extension HostMounts.Entry {
  init?(line: String) {
    let fields = line.split(separator: " ")
    guard fields.count > 4, let number = UInt64(fields[0]), let hyphen = fields.firstIndex(of: "-"),
      hyphen + 1 < fields.count
    else { return nil }
    let parts = fields[2].split(separator: ":").compactMap { UInt64($0) }
    guard parts.count == 2 else { return nil }
    self.number = number
    device = UInt64(dev_t(major: parts[0], minor: parts[1]))
    root = Self.unescaped(fields[3])
    path = Self.unescaped(fields[4])
    type = String(fields[hyphen + 1])
  }

  /// Reverses what the kernel does to spaces, tabs, newlines and backslashes: `\040` and the like.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3, let code = UInt8(Substring(rest.prefix(3)), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
