import Glibc

/// The mounts that this process sees, as /proc/self/mountinfo lists them. Reading the list asks no file system for anything.
///
/// A line reads `36 35 0:71 / /mnt/prod rw,… shared:1 - fuse.tine tine:prod rw,…`.
public struct MountInfo: Hashable, Sendable {
  /// The number of the mount, which no other mount of any namespace has at the same time.
  public let number: UInt64
  /// Major and minor number, as in `0:71`.
  public let device: String
  /// What of the file system shows, as a path from its root.
  public let root: String
  /// Where it shows, as bytes.
  public let mountPoint: [UInt8]
  /// The file system, as in `ext4` or `fuse.tine`.
  public let type: String
  /// The file system's own options.
  public let options: [String]

  /// All mounts; of those at one mount point the last is on top.
  public static func all() throws(Errno) -> [MountInfo] {
    try FileDescriptor(opening: "/proc/self/mountinfo", flags: O_RDONLY).readAll()
      .split(separator: UInt8(ascii: "\n")).compactMap { MountInfo($0) }
  }

  /// The directories at which the root of a file system is mounted, the latest last.
  public static func places(of device: UInt64) throws(Errno) -> [String] {
    try all().filter { $0.root == "/" && $0.has(device: device) }.map(\.path)
  }

  /// What is mounted on top of a path; nil if nothing is.
  public static func top(at path: String) throws(Errno) -> MountInfo? {
    try all().last { $0.mountPoint.elementsEqual(path.utf8) }
  }

  /// The mount that a directory belongs to; nil if it is in another mount namespace, or out of this process's root directory.
  public static func mount(of directory: borrowing FileDescriptor) throws(Errno) -> MountInfo? {
    let information = try FileDescriptor(opening: "/proc/self/fdinfo/\(directory.rawValue)", flags: O_RDONLY).readAll()
    let lines = information.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    let number = lines.first { $0.hasPrefix("mnt_id:") }.flatMap { UInt64($0.dropFirst(7).drop { $0 == "\t" }) }
    return try all().first { $0.number == number }
  }

  /// The mount point as text; bytes that are not UTF-8 show as U+FFFD.
  public var path: String { String(decoding: mountPoint, as: UTF8.self) }

  init?(_ line: ArraySlice<UInt8>) {
    let fields = line.split(separator: UInt8(ascii: " "))
    guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: [UInt8(ascii: "-")]), hyphen + 3 < fields.count,
      let number = UInt64(String(decoding: fields[0], as: UTF8.self))
    else { return nil }
    self.number = number
    device = String(decoding: fields[2], as: UTF8.self)
    root = String(decoding: Self.unescaped(fields[3]), as: UTF8.self)
    mountPoint = Self.unescaped(fields[4])
    type = String(decoding: fields[hyphen + 1], as: UTF8.self)
    options = fields[hyphen + 3].split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether it is a mount of the file system with this number, as stat(2) gives it.
  public func has(device number: UInt64) -> Bool {
    let major = number >> 8 & 0xfff | number >> 32 & ~0xfff
    let minor = number & 0xff | number >> 12 & ~0xff & 0xffff_ffff
    return device == "\(major):\(minor)"
  }

  /// Undoes what the kernel does to spaces, tabs, newlines and backslashes: `\040` and the like.
  private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3).map { $0 &- UInt8(ascii: "0") }
      if byte == UInt8(ascii: "\\"), digits.count == 3, digits[0] < 4, digits[1] < 8, digits[2] < 8 {
        bytes.append(digits[0] << 6 | digits[1] << 3 | digits[2])
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
