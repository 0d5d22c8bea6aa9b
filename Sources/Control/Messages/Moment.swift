/// A point in time, in nanoseconds since 1970. In JSON it is RFC 3339 text in UTC: `2026-11-22T10:00:00.123456789Z`.
public struct Moment: Hashable, Comparable, Sendable, Codable {
  public let nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let moment = Moment(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time in UTC")
    }
    self = moment
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Moment: LosslessStringConvertible {
  public var description: String {
    let date = CivilDate(day: Int(nanoseconds / Self.nanosecondsOfDay))
    let second = Int(nanoseconds % Self.nanosecondsOfDay / 1_000_000_000)
    let fraction = Int(nanoseconds % 1_000_000_000)
    let clock = [second / 3600, second / 60 % 60, second % 60].map { padded($0, to: 2) }.joined(separator: ":")
    return "\(padded(date.year, to: 4))-\(padded(date.month, to: 2))-\(padded(date.day, to: 2))T\(clock)"
      + ".\(padded(fraction, to: 9))Z"
  }

  /// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`; nil for anything else and for years before 1970.
  public init?(_ text: String) {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].last == "Z" else { return nil }
    let date = parts[0].split(separator: "-").compactMap { UInt64($0) }
    let clock = parts[1].dropLast().split(separator: ":")
    guard date.count == 3, clock.count == 3, let hour = UInt64(clock[0]), let minute = UInt64(clock[1]) else {
      return nil
    }
    let seconds = clock[2].split(separator: ".", maxSplits: 1)
    guard let second = seconds.first.flatMap({ UInt64($0) }), hour < 24, minute < 60, second < 61,
      (1970...2500).contains(date[0]), (1...12).contains(date[1]), (1...31).contains(date[2])
    else { return nil }
    var fraction: UInt64 = 0
    if seconds.count == 2 {
      let digits = seconds[1].prefix(9)
      guard let value = UInt64(digits), seconds[1].allSatisfy(\.isNumber) else { return nil }
      fraction = (digits.count..<9).reduce(value) { value, _ in value * 10 }
    }
    let day = CivilDate(year: Int(date[0]), month: Int(date[1]), day: Int(date[2])).dayNumber
    nanoseconds =
      UInt64(day) * Self.nanosecondsOfDay + (hour * 3600 + minute * 60 + second) * 1_000_000_000 + fraction
  }

  private static let nanosecondsOfDay: UInt64 = 86_400_000_000_000
}

/// A date of the Gregorian calendar, counted in days since 1970 (years are taken to begin in March, so that the leap
/// day is a year's last).
private struct CivilDate {
  let year: Int
  let month: Int
  let day: Int

  init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  init(day number: Int) {
    let shifted = number + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  var dayNumber: Int {
    let year = month <= 2 ? self.year - 1 : self.year
    let yearOfEra = year % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

private func padded(_ number: Int, to width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
