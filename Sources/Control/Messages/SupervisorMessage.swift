/// What a supervisor and its worker tell each other.
///
/// A message is one byte for its kind, and for those of a descriptor one byte for the length of its name, the name, and data
/// that only the worker understands. The supervisor understands nothing else, so one that runs for long gets on with workers of
/// other versions: numbers and layouts never change.
public enum SupervisorMessage: Equatable, Sendable {
  /// Either side: the descriptor that comes along is kept for the next worker, under a name. Without a descriptor the data of
  /// one that is kept is replaced.
  case keep(name: String, data: [UInt8])
  /// To the supervisor: what has this name is needed no more.
  case drop(name: String)
  /// To the worker: that was all that is kept.
  case begin
  /// To the supervisor: the worker serves what was mounted, or all that it is asked for. It may be said again.
  case serving
  /// To the supervisor: the worker ends because it was asked to, and none is to follow it.
  case ending
  /// To the supervisor: a worker of this program is to take the place of this one.
  case replace(program: String)
  /// To the supervisor: the worker answers requests. One that has said it says it again, until it hangs or ends.
  case alive

  private enum Kind: UInt8 { case keep = 1, drop, begin, serving, ending, replace, alive }

  /// At most 255 bytes of name.
  public var encoded: [UInt8] {
    switch self {
    case .keep(let name, let data): Self.encode(.keep, name) + data
    case .drop(let name): Self.encode(.drop, name)
    case .begin: [Kind.begin.rawValue]
    case .serving: [Kind.serving.rawValue]
    case .ending: [Kind.ending.rawValue]
    case .replace(let program): [Kind.replace.rawValue] + Array(program.utf8)
    case .alive: [Kind.alive.rawValue]
    }
  }

  private static func encode(_ kind: Kind, _ name: String) -> [UInt8] {
    precondition(name.utf8.count < 256, "the name of a descriptor is short")
    return [kind.rawValue, UInt8(name.utf8.count)] + Array(name.utf8)
  }

  /// Nil for what is no message, or one of a later version.
  public init?(decoding bytes: [UInt8]) {
    guard let first = bytes.first, let kind = Kind(rawValue: first) else { return nil }
    switch kind {
    case .keep, .drop:
      guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return nil }
      let end = 2 + Int(bytes[1])
      guard let name = String(validating: bytes[2..<end], as: UTF8.self) else { return nil }
      self = kind == .keep ? .keep(name: name, data: Array(bytes[end...])) : .drop(name: name)
    case .begin: self = .begin
    case .serving: self = .serving
    case .ending: self = .ending
    case .replace:
      guard let program = String(validating: bytes[1...], as: UTF8.self) else { return nil }
      self = .replace(program: program)
    case .alive: self = .alive
    }
  }

  /// What it is about, for the log.
  public var summary: String {
    switch self {
    case .keep(let name, _): "what is to be kept as \(name)"
    case .drop(let name): "the end of \(name)"
    case .begin, .serving: "its start"
    case .ending: "its end"
    case .alive: "its life"
    case .replace(let program): "its successor \(program)"
    }
  }
}
