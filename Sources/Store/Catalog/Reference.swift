import SystemIO

/// How a person names a state: a fork (`prod`), or a snapshot of one (`prod@before-migration`).
public struct Reference: Hashable, Sendable, CustomStringConvertible {
  public let fork: String
  public let snapshot: String?

  public init(fork: String, snapshot: String? = nil) throws(StoreError) {
    try Self.verify(fork)
    if let snapshot { try Self.verify(snapshot) }
    self.fork = fork
    self.snapshot = snapshot
  }

  public init(_ text: String) throws(StoreError) {
    guard let at = text.firstIndex(of: "@") else {
      try self.init(fork: text)
      return
    }
    let moment = String(text[text.index(after: at)...])
    if moment.hasPrefix("{") || moment.hasPrefix("lsn:") {
      throw StoreError(
        .notSupported, "\(text.named) names a moment of the past, and only named snapshots can be used so far",
        hint: "take snapshots with 'tine snapshot', and list them with 'tine list'")
    }
    try self.init(fork: String(text[..<at]), snapshot: moment)
  }

  public var description: String { snapshot.map { "\(fork)@\($0)" } ?? fork }

  /// Names are file names too (the mount of a whole store shows each fork under its name).
  private static func verify(_ name: String) throws(StoreError) {
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard allowed, (1...128).contains(name.utf8.count), let first = name.utf8.first,
      first != UInt8(ascii: "."), first != UInt8(ascii: "-")
    else {
      throw StoreError(
        .invalidName, "\(name.named) is not a name",
        hint: "a name has 1 to 128 letters, digits, '-', '_' or '.', and starts with neither '-' nor '.'")
    }
  }
}
