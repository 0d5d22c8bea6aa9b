import Glibc
import SystemIO

/// The mounts that this process sees, as /proc/self/mountinfo lists them.
///
/// A line reads `36 35 0:71 / /mnt/prod rw,… shared:1 - fuse.tine tine:prod rw,…`: the fifth field is the mount point, the
/// first after the lone hyphen the type, the third the device. The last line for a mount point is the mount on top.
enum MountTable {
  private struct Line {
    let device: Substring
    let type: String
  }

  /// The type of the file system on top of the mount point `path`; nil where nothing is mounted.
  static func type(at path: String) -> String? { lines(at: path)?.last?.type }

  /// Whether the file system with the number `device` is mounted at `path`, be it under another one; nil where that cannot be
  /// found out.
  static func holds(_ device: dev_t, at path: String) -> Bool? {
    lines(at: path)?.contains { $0.device == device.majorAndMinor }
  }

  /// What is mounted at `path`, from the bottom to the top; nil where the list cannot be read.
  private static func lines(at path: String) -> [Line]? {
    guard let file = fopen("/proc/self/mountinfo", "re") else { return nil }
    defer { fclose(file) }
    var text: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(text) }
    var lines: [Line] = []
    while getline(&text, &capacity, file) > 0, let text {
      let fields = String(cString: text).split(separator: " ")
      guard fields.count > 4, unescaped(fields[4]) == path else { continue }
      guard let hyphen = fields.firstIndex(of: "-"), hyphen + 1 < fields.count else { continue }
      lines.append(Line(device: fields[2], type: String(fields[hyphen + 1])))
    }
    return lines
  }

  /// Undoes what the kernel does to spaces, tabs, newlines and backslashes: `\040` and the like.
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
