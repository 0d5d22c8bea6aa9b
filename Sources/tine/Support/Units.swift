import Control
import Glibc

/// Figures as people read them.
enum Units {
  /// A size, such as `1.5 MiB`.
  static func bytes(_ count: UInt64) -> String {
    if count < 1024 { return "\(count) B" }
    var value = Double(count)
    var unit = 0
    while value >= 1023.95 && unit < names.count {
      value /= 1024
      unit += 1
    }
    return "\(fixed(value, 1)) \(names[unit - 1])"
  }

  /// A number with its noun, such as `1 file` and `1,024 files`.
  static func count(_ number: UInt64, _ noun: String, plural: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  /// A number with its thousands set apart.
  static func grouped(_ number: UInt64) -> String {
    let digits = Array(String(number))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A span of time, such as `350 ms`, `12.3 s`, `4 min 10 s` or `3 days`.
  static func duration(seconds: Double) -> String {
    switch seconds {
    case ..<0.001: return "\(Int(seconds * 1_000_000)) µs"
    case ..<1: return "\(Int(seconds * 1000)) ms"
    case ..<60: return "\(fixed(seconds, 1)) s"
    case ..<3600: return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    case ..<86_400: return "\(Int(seconds) / 3600) h \(Int(seconds) / 60 % 60) min"
    default: return count(UInt64(seconds / 86_400), "day")
    }
  }

  /// A score as its command may have printed it: no digits that say nothing.
  static func score(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : fixed(value, 3)
  }

  /// How long ago something was, such as `5 min ago`.
  static func age(_ moment: Moment) -> String {
    let seconds = Moment.now.seconds(since: moment)
    switch seconds {
    case ..<2: return "just now"
    case ..<60: return "\(Int(seconds)) s ago"
    case ..<3600: return "\(Int(seconds) / 60) min ago"
    case ..<86_400: return "\(Int(seconds) / 3600) h ago"
    default: return count(UInt64(seconds / 86_400), "day") + " ago"
    }
  }

  /// A number with a fixed count of digits after the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let whole = UInt64(scaled) / UInt64(scale)
    guard digits > 0 else { return sign + String(whole) }
    let fraction = String(UInt64(scaled) % UInt64(scale))
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }

  private static let names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
}

extension Moment {
  static var now: Moment {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  func seconds(since earlier: Moment) -> Double {
    Double(Int64(bitPattern: nanoseconds &- earlier.nanoseconds)) / 1_000_000_000
  }
}
