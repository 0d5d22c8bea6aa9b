import Control
import FoundationEssentials
import Glibc

/// Tells whoever started the daemon that it serves, or why it cannot.
struct Readiness: Sendable {
  let descriptor: Int32?

  func report() { send(Array("{}".utf8)) }

  func report(_ failure: Failure) {
    do { send([UInt8](try JSON.encode(ErrorBody(failure)))) } catch { send([]) }
  }

  /// Nobody may be waiting any more, so a write that fails does not matter.
  private func send(_ message: [UInt8]) {
    guard let descriptor else { return }
    _ = write(descriptor, message, message.count)
    close(descriptor)
  }
}
