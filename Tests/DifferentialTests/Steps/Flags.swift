import Glibc
public import PosixCalls

/// Flags of open(2).
struct OpenFlags: OptionSet, Hashable, Sendable {
  let rawValue: Int32

  static let writing = OpenFlags(rawValue: O_WRONLY)
  static let both = OpenFlags(rawValue: O_RDWR)
  static let create = OpenFlags(rawValue: O_CREAT)
  static let exclusive = OpenFlags(rawValue: O_EXCL)
  static let truncate = OpenFlags(rawValue: O_TRUNC)
  static let append = OpenFlags(rawValue: O_APPEND)
  static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
  static let directory = OpenFlags(rawValue: O_DIRECTORY)
  static let synchronous = OpenFlags(rawValue: O_SYNC)
  static let temporary = OpenFlags(rawValue: OpenFlag.temporary)
  static let pathOnly = OpenFlags(rawValue: OpenFlag.path)
  static let direct = OpenFlags(rawValue: OpenFlag.direct)
  static let noAccessTime = OpenFlags(rawValue: OpenFlag.noAccessTime)
}

extension OpenFlags: CustomDebugStringConvertible {
  var debugDescription: String {
    named(
      rawValue,
      [
        (Self.temporary.rawValue, "TMPFILE"), (O_WRONLY, "WRONLY"), (O_RDWR, "RDWR"), (O_CREAT, "CREAT"),
        (O_EXCL, "EXCL"), (O_TRUNC, "TRUNC"), (O_APPEND, "APPEND"), (O_NOFOLLOW, "NOFOLLOW"),
        (O_DIRECTORY, "DIRECTORY"), (O_SYNC, "SYNC"), (Self.pathOnly.rawValue, "PATH"),
        (Self.direct.rawValue, "DIRECT"), (Self.noAccessTime.rawValue, "NOATIME"),
      ])
  }
}

extension RenameFlags: CustomDebugStringConvertible {
  public var debugDescription: String {
    named(
      rawValue,
      [
        (Self.noReplace.rawValue, "NOREPLACE"), (Self.exchange.rawValue, "EXCHANGE"),
        (Self.whiteout.rawValue, "WHITEOUT"),
      ])
  }
}

extension AllocationMode: CustomDebugStringConvertible {
  public var debugDescription: String {
    named(
      rawValue,
      [
        (Self.keepSize.rawValue, "KEEP_SIZE"), (Self.punch.rawValue, "PUNCH_HOLE"), (Self.zero.rawValue, "ZERO_RANGE"),
        (Self.collapse.rawValue, "COLLAPSE_RANGE"), (Self.insert.rawValue, "INSERT_RANGE"),
      ])
  }
}

extension AccessControlList: CustomDebugStringConvertible {
  public var debugDescription: String {
    let shown = entries.map { entry in
      "\(entry.tag) " + (entry.identifier == .max ? "" : "\(entry.identifier) ") + "\(entry.permissions)"
    }
    return "[" + shown.joined(separator: ", ") + "]"
  }
}

/// The names of the flags that are set, and what has no name as a number.
private func named<Number: FixedWidthInteger>(_ value: Number, _ names: [(Number, String)]) -> String {
  var rest = value
  var shown: [String] = []
  for (flag, name) in names where rest & flag == flag {
    shown.append(name)
    rest &= ~flag
  }
  if rest != 0 { shown.append("0x" + String(rest, radix: 16)) }
  return shown.isEmpty ? "none" : shown.joined(separator: "|")
}
