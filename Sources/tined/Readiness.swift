import Control
import FoundationEssentials
import Glibc
import Synchronization
import SystemIO

/// Tells whoever started the daemon that it serves, or why it cannot. Nobody waits for it where this worker has followed another.
final class Readiness: Sendable {
  private let descriptor: Mutex<FileDescriptor?>
  private let supervisor: SupervisorLink

  init(_ supervisor: SupervisorLink) {
    self.supervisor = supervisor
    descriptor = Mutex(supervisor.take(Descriptors.readiness).map { $0.release() })
  }

  func report() { send(Array("{}".utf8)) }

  func report(_ failure: Failure) {
    do { send([UInt8](try JSON.encode(ErrorBody(failure)))) } catch { send([]) }
  }

  /// Whoever waited may be gone, so a write that fails does not matter.
  private func send(_ message: [UInt8]) {
    guard let descriptor = descriptor.withLock({ $0.take() }) else { return }
    _ = write(descriptor.rawValue, message, message.count)
    // Who waits reads until the last copy is closed.
    supervisor.tell(.drop(name: Descriptors.readiness))
  }
}
