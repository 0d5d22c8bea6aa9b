import Control
import Glibc
import Service
import SystemIO

/// Who owns a store and carries out what a command asks for: its daemon where one runs, or else this process.
enum Owner {
  case daemon(RemoteEngine)
  case thisProcess(LocalEngine)

  /// How long a store may be owned by somebody who does not answer: a command at work, or a daemon that starts, that ends, or
  /// whose worker has just died.
  private static let patience = Duration.seconds(5)
  /// Between two questions, in milliseconds.
  private static let pause = 20

  /// - Parameter writes: whether this process may write to the store, were it only to recover it.
  init(of store: String, _ interruptions: Interruptions?, writes: Bool) throws(Failure) {
    let deadline = ContinuousClock.now.advanced(by: Self.patience)
    let lock = StoreLock(of: store)
    while true {
      if let remote = try RemoteEngine(
        store: store, interruption: interruptions?.descriptor, onSilence: Console.note)
      {
        self = .daemon(remote)
        return
      }
      do throws(Failure) {
        if lock.isReadByDaemon { throw Self.silent(store) }
        self = .thisProcess(try LocalEngine(opening: store, writes: writes, patience: Self.pause))
        return
      } catch {
        guard error.kind == .storeInUse, ContinuousClock.now < deadline else { throw error }
        usleep(UInt32(Self.pause) * 1000)
      }
    }
  }

  /// The daemon of a store; nil where nobody owns the store.
  static func daemon(of store: String) throws(Failure) -> RemoteEngine? {
    let deadline = ContinuousClock.now.advanced(by: patience)
    let lock = StoreLock(of: store)
    while true {
      if let remote = try RemoteEngine(store: store, onSilence: Console.note) { return remote }
      if lock.wait(atMost: pause) { return nil }
      guard ContinuousClock.now < deadline else {
        throw silent(store)
      }
    }
  }

  private static func silent(_ store: String) -> Failure {
    Failure(
      .storeInUse, "the store \(store.quoted) is in use by another process, which does not answer",
      hint: "a command may be at work: try again when it has ended; or see \(DaemonLauncher.log(of: store).quoted)")
  }
}
