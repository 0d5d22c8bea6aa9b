import Glibc

/// Now, in nanoseconds of the monotonic clock.
public func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// How long something takes, in microseconds.
public func microseconds<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Double {
  let start = nanoseconds()
  try body()
  return Double(nanoseconds() - start) / 1000
}

/// Measurements of one thing.
public struct Samples: Sendable {
  private var values: [Double] = []

  public init() {}

  public init(_ values: [Double]) { self.values = values }

  public mutating func add(_ value: Double) { values.append(value) }

  public var count: Int { values.count }

  /// The value that a share of all is not above.
  public func percentile(_ share: Double) -> Double {
    precondition(!values.isEmpty, "there are no measurements")
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  public var median: Double { percentile(0.5) }
}
