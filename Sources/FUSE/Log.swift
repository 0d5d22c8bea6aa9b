import CFUSE
import Glibc
import Synchronization

/// Where this module and libfuse say what they cannot say in an answer. Silent until a sink is set.
public enum Log {
  public typealias Sink = @Sendable (_ message: String) -> Void
  private static let sink = Mutex<Sink?>(nil)

  /// Sends every message to `newSink` from now on, in place of libfuse's standard error.
  public static func setSink(_ newSink: @escaping Sink) {
    sink.withLock { $0 = newSink }
  }

  public static func write(_ message: String) {
    sink.withLock { $0 }?(message)
  }

  /// Takes libfuse's messages over, once.
  static let redirection: Void = fuse_set_log_func { _, format, arguments in
    guard let format, let arguments else { return }
    let message = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { text in
      vsnprintf(text.baseAddress!, text.count, format, arguments)
      return String(cString: text.baseAddress!)
    }
    Log.write(message.last == "\n" ? String(message.dropLast()) : message)
  }
}
