/// One measured value, with what it is measured against.
struct Figure {
  enum Direction: String { case less, more }

  let name: String
  var value: Double?
  var unit = ""
  var peer: String?
  var peerValue: Double?
  /// What the project asks for: a bound on the value, or on the ratio to the peer.
  var target: Target?
  var note = ""
  /// Whether less or more is better.
  var better = Direction.less

  enum Target {
    case atMost(Double)
    case ratioAtMost(Double)
    case ratioAtLeast(Double)
  }

  init(
    _ name: String, _ value: Double? = nil, _ unit: String = "", peer: String? = nil, _ peerValue: Double? = nil,
    target: Target? = nil, better: Direction = .less, note: String = ""
  ) {
    self.name = name
    self.value = value
    self.unit = unit
    self.peer = peer
    self.peerValue = peerValue
    self.target = target
    self.better = better
    self.note = note
  }

  /// The value by the peer's.
  var ratio: Double? {
    guard let value, let peerValue, peerValue > 0 else { return nil }
    return value / peerValue
  }

  /// Whether the target is met; nil where there is none.
  var isMet: Bool? {
    switch target {
    case .atMost(let bound): value.map { $0 <= bound }
    case .ratioAtMost(let bound): ratio.map { $0 <= bound }
    case .ratioAtLeast(let bound): ratio.map { $0 >= bound }
    case nil: nil
    }
  }

  var targetText: String {
    switch target {
    case .atMost(let bound): "<= \(bound.short) \(unit)"
    case .ratioAtMost(let bound): "ratio <= \(bound.short)"
    case .ratioAtLeast(let bound): "ratio >= \(bound.short)"
    case nil: ""
    }
  }
}

extension Double {
  /// Three digits that matter.
  var short: String {
    let magnitude = abs(self)
    let places = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 0.01 ? 2 : 4
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (self * scale).rounded() / scale
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
