import Glibc
public import SystemIO

/// A user of this machine, as /etc/passwd names it. (getpwnam(3) does not work in a fully static program.)
public struct User: Hashable, Sendable {
  public let name: String
  public let number: UInt32
  public let group: UInt32

  /// Looks a user up by name; nil where there is none.
  public init?(named name: String) throws(Errno) {
    let file = try FileDescriptor(opening: "/etc/passwd", flags: O_RDONLY)
    let lines = try file.readAll().split(separator: UInt8(ascii: "\n"))
    for line in lines {
      let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard fields.count >= 4, fields[0].elementsEqual(name.utf8),
        let number = UInt32(String(decoding: fields[2], as: UTF8.self)),
        let group = UInt32(String(decoding: fields[3], as: UTF8.self))
      else { continue }
      self.name = name
      self.number = number
      self.group = group
      return
    }
    return nil
  }
}
