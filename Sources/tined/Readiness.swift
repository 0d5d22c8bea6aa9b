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

  func report(_ failure: Failure) { send(Self.message(failure)) }

  /// Tells of a failure before there is a worker.
  static func send(_ failure: Failure, to descriptor: Int32) {
    let message = message(failure)
    _ = write(descriptor, message, message.count)
  }

  private static func message(_ failure: Failure) -> [UInt8] {
    do { return [UInt8](try JSON.encode(ErrorBody(failure))) } catch { return [] }
  }

  /// Whoever waited may be gone, so a write that fails does not matter.
  private func send(_ message: [UInt8]) {
    guard let descriptor = descriptor.withLock({ $0.take() }) else { return }
    _ = write(descriptor.rawValue, message, message.count)
    // Who waits reads until the last copy is closed.
    supervisor.tell(.drop(name: Descriptors.readiness))
  }
}
