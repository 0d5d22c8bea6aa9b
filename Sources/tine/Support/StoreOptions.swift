import ArgumentParser
import Control
import Glibc
import Service

/// Which store a command works on.
struct StoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store's directory.", discussion: "Without it TINE_STORE, or else the user's data directory.",
      valueName: "directory"))
  var store: PathArgument?

  /// Whether nobody named a store, so that it is the one in the user's data directory.
  var isDefault: Bool { store == nil && Self.fromEnvironment == nil }

  /// The store's directory: an absolute path.
  func directory() throws(Failure) -> String {
    let path = store?.path ?? Self.fromEnvironment ?? Self.fallback
    guard let text = String(validating: path.bytes, as: UTF8.self) else {
      throw Failure(.badRequest, "the path of a store must be UTF-8")
    }
    return text
  }

  private static var fromEnvironment: BytePath? { environment("TINE_STORE")?.absolute }

  private static var fallback: BytePath {
    if let data = environment("XDG_DATA_HOME"), data.bytes.first == UInt8(ascii: "/") {
      return BytePath(data.bytes + Array("/tine".utf8)).absolute
    }
    let home = environment("HOME") ?? BytePath("/")
    return BytePath(home.bytes + Array("/.local/share/tine".utf8)).absolute
  }

  private static func environment(_ name: String) -> BytePath? {
    guard let value = getenv(name), value[0] != 0 else { return nil }
    return BytePath(Array(UnsafeRawBufferPointer(start: value, count: strlen(value))))
  }
}

extension StoreOptions {
  /// Runs `body` with what carries out requests on the store: its daemon where one runs, or else this process.
  ///
  /// With `interruptions`, Ctrl-C ends what `body` asked for; without, it ends this process.
  ///
  /// - Parameter writes: whether this process may write to the store, were it only to recover it.
  func withEngine<Value>(
    _ interruptions: Interruptions? = nil, writes: Bool = true, _ body: (any Engine) throws -> Value
  ) throws -> Value {
    let local: LocalEngine
    switch try Owner(of: directory(), interruptions, writes: writes) {
    case .daemon(let remote): return try body(remote)
    case .thisProcess(let engine): local = engine
    }
    do {
      let value = try body(local)
      try local.close()
      return value
    } catch {
      // The first error is the one to report; a store that was not closed recovers when it is opened next.
      try? local.close()
      throw error
    }
  }
}

/// How a command answers.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Answer in JSON.")
  var json = false
}
