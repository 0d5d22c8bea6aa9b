import Glibc

/// The environment of this process, as bytes.
public enum Environment {
  /// `NAME=value` each.
  public static var current: [[UInt8]] {
    var entries: [[UInt8]] = []
    var next = environ
    while let entry = next.pointee {
      entries.append(Array(UnsafeRawBufferPointer(start: entry, count: strlen(entry))))
      next += 1
    }
    return entries
  }

  /// One variable alone: a daemon outlives the command, and must not look like a part of what the command runs.
  public static func only(_ name: String) -> [[UInt8]] { current.filter { $0.starts(with: Array("\(name)=".utf8)) } }

  /// The environment with some variables set anew.
  public static func with(_ variables: [(name: String, value: String)]) -> [[UInt8]] {
    let prefixes = variables.map { Array("\($0.name)=".utf8) }
    let kept = current.filter { entry in !prefixes.contains { entry.starts(with: $0) } }
    return kept + variables.map { Array("\($0.name)=\($0.value)".utf8) }
  }
}
