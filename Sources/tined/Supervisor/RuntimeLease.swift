import Control
import Glibc
import SystemIO

/// The runtime directory of a daemon that only reads its store, locked for it. The supervisor keeps it, so that the lock outlives a worker.
struct RuntimeLease {
  /// A path to it, good in this process.
  let path: String

  /// How long a daemon that ends may still have it, and those may who look whether one does, in milliseconds.
  private static let patience = 3000

  init(of store: String, _ supervisor: SupervisorLink) throws(Failure) {
    let found = try Self.find(store)
    if let kept = supervisor.take(Descriptors.runtime).map({ $0.release() }), Self.areSame(kept, found) {
      path = "/proc/self/fd/\(kept.release())"
      return
    }
    try Self.lock(found)
    supervisor.tell(.keep(name: Descriptors.runtime, data: []), descriptor: found.rawValue)
    path = "/proc/self/fd/\(found.release())"
  }

  private static func find(_ store: String) throws(Failure) -> FileDescriptor {
    let runtime: RuntimeDirectory
    do throws(Errno) { runtime = try RuntimeDirectory(of: store) } catch {
      throw Failure(.failed, "cannot open the store: \(error)")
    }
    return try runtime.make()
  }

  /// One that was removed or replaced meanwhile leads nobody to the sockets.
  private static func areSame(_ kept: borrowing FileDescriptor, _ found: borrowing FileDescriptor) -> Bool {
    guard let first = try? FileIdentity(of: kept), let second = try? FileIdentity(of: found) else { return false }
    return first == second
  }

  private static func lock(_ directory: borrowing FileDescriptor) throws(Failure) {
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(patience))
    while true {
      do throws(Errno) { return try RuntimeDirectory.lock(directory) } catch {
        guard error == .wouldBlock else { throw Failure(.failed, "cannot lock the runtime directory: \(error)") }
        guard ContinuousClock.now < deadline else {
          throw Failure(.storeInUse, "another daemon reads this store")
        }
        usleep(10_000)
      }
    }
  }
}
