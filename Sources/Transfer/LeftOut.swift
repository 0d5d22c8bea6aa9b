import SystemIO

/// What a fork has and the target of an export cannot hold.
public struct LeftOut: Hashable, Sendable {
  public enum Kind: CaseIterable, Sendable {
    case owners
    case permissions
    case accessControlLists
    case extendedAttributes
    case times
    /// Each name is a file of its own, with the same content.
    case hardLinks
    case symbolicLinks
    /// Devices, FIFOs and sockets.
    case specialFiles
  }

  public enum Reason: CaseIterable, Sendable {
    /// This user may not set it.
    case notPermitted
    /// The file system cannot hold it.
    case notSupported
    /// The file system can hold some, but not as much.
    case tooLarge
  }

  public let kind: Kind
  public let reason: Reason
  /// How many entries it concerns.
  public internal(set) var entries: UInt64
  /// The first of them, as in `TransferError`.
  public let path: [UInt8]
}

/// Counts what is left out.
struct LeftOutTally {
  private struct Key: Hashable {
    let kind: LeftOut.Kind
    let reason: LeftOut.Reason
  }

  private var counts: [Key: LeftOut] = [:]

  /// Counts an entry.
  mutating func add(_ kind: LeftOut.Kind, _ reason: LeftOut.Reason, at path: @autoclosure () -> [UInt8]) {
    counts[Key(kind: kind, reason: reason), default: LeftOut(kind: kind, reason: reason, entries: 0, path: path())]
      .entries += 1
  }

  /// All of it, in the order of the kinds.
  var all: [LeftOut] {
    LeftOut.Kind.allCases.flatMap { kind in
      LeftOut.Reason.allCases.compactMap { reason in counts[Key(kind: kind, reason: reason)] }
    }
  }
}

/// Tells a file system that refuses something from one that fails.
enum Refusal {
  private static let unsupported: Set<Errno> = [
    .notSupported, .notImplemented, .invalidArgument, .valueTooLarge, .crossDevice,
  ]
  private static let tooLarge: Set<Errno> = [.argumentListTooLong, .outOfRange, .tooManyLinks]

  /// - Parameter isPrivileged: whether this user may set everything that the file system can hold.
  /// - Returns: nil where the call failed for another reason.
  static func reason(_ error: Errno, isPrivileged: Bool) -> LeftOut.Reason? {
    switch error {
    case .notPermitted, .accessDenied: isPrivileged ? .notSupported : .notPermitted
    case let error where unsupported.contains(error): .notSupported
    case let error where tooLarge.contains(error): .tooLarge
    default: nil
    }
  }
}
