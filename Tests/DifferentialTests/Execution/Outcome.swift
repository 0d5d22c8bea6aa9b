import PosixCalls
import SystemIO

/// What a step led to, as far as it must be the same on two file systems.
indirect enum Outcome: Hashable, Sendable {
  case done
  case failed(Errno)
  case number(Int)
  case bytes([UInt8])
  case names([String])
  case status(SharedStatus)
  case several([Outcome])
  /// The step makes no sense in this state, or the file systems are known to differ in it.
  case leftOut(String)
  /// It broke a rule that every file system must keep.
  case broken(String)
}

/// The part of stat(2) that is the same on two file systems.
struct SharedStatus: Hashable, Sendable, CustomStringConvertible {
  var mode: Mode
  var links: UInt32
  var user: UInt32
  var group: UInt32
  /// Not of a directory.
  var size: UInt64?
  var specialDevice: UInt64

  var description: String {
    "\(mode.debugDescription) \(user):\(group) \(links) links" + (size.map { " \($0) bytes" } ?? "")
      + (specialDevice == 0 ? "" : " device \(specialDevice)")
  }

  init(_ status: Status) {
    mode = Mode(status.mode)
    links = status.links
    user = status.user
    group = status.group
    size = status.isDirectory ? nil : status.size
    specialDevice = status.specialDevice
  }
}

extension Outcome: CustomStringConvertible {
  /// What was broken, here or in a part.
  var brokenRule: String? {
    switch self {
    case .broken(let rule): rule
    case .several(let outcomes): outcomes.lazy.compactMap(\.brokenRule).first
    default: nil
    }
  }

  /// Whether nothing was done.
  var isFailure: Bool {
    switch self {
    case .failed, .leftOut: true
    default: false
    }
  }

  var description: String {
    switch self {
    case .done: "done"
    case .failed(let error): "\(error)"
    case .number(let number): "\(number)"
    case .bytes(let bytes): Path(bytes).debugDescription
    case .names(let names): "\(names)"
    case .status(let status): "\(status)"
    case .several(let outcomes): "\(outcomes)"
    case .leftOut(let reason): "left out: \(reason)"
    case .broken(let rule): "BROKEN: \(rule)"
    }
  }

  /// Where the bytes of two outcomes part, which their descriptions may not show.
  func firstDifference(from other: Outcome) -> String? {
    guard case .bytes(let mine) = self, case .bytes(let others) = other else { return nil }
    let place = zip(mine, others).enumerated().first { $0.element.0 != $0.element.1 }
    guard let place else { return "\(mine.count) and \(others.count) bytes" }
    return "byte \(place.offset): \(place.element.0) and \(place.element.1)"
  }
}
