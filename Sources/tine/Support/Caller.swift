import Control
import Glibc

/// Where this process was started.
enum Caller {
  /// The working directory; nil where it is gone.
  static let directory: [UInt8]? = {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return Array(UnsafeRawBufferPointer(start: path, count: strlen(path)))
  }()

  /// Prepares what commands inherit that run in a fork: TINE_CALLED_FROM names the caller's directory, and the relative parts of PATH mean what
  /// they mean here, or go where the fork is shown over them. Call it before there are threads.
  static func prepareEnvironment(shownAt: BytePath?) {
    set("TINE_CALLED_FROM", directory ?? [])
    // A relative path would begin in the fork.
    if let store = getenv("TINE_STORE"), store[0] != 0 {
      set("TINE_STORE", BytePath(Array(UnsafeRawBufferPointer(start: store, count: strlen(store)))).absolute.bytes)
    }
    guard let path = getenv("PATH") else { return }
    let slash = UInt8(ascii: "/")
    let entries = Array(UnsafeRawBufferPointer(start: path, count: strlen(path)))
      .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    let absolute = entries.compactMap { entry -> [UInt8]? in
      if entry.first == slash { return Array(entry) }
      guard let path = directory.map({ entry.isEmpty ? $0 : $0 + [slash] + entry }) else { return nil }
      return shownAt.map { Program.isHidden(path + [slash], by: $0.bytes) } == true ? nil : path
    }
    set("PATH", Array(absolute.joined(separator: [UInt8(ascii: ":")])))
  }

  private static func set(_ name: String, _ value: [UInt8]) {
    setenv(name, value.cString, 1)
  }
}
