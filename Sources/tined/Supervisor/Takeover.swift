import Control
import FoundationEssentials
import Logging
import Mount
import Service
import Synchronization
import SystemIO

/// The start of a worker: of the first one, or of one that goes on where another has died.
struct Takeover {
  let local: LocalEngine
  let journal: RequestJournal
  private let supervisor: SupervisorLink
  private let log: Logger
  private let mounts: [(number: Int, kept: KeptMount, channel: Int32)]
  private let store: String

  /// Opens the store, and has the supervisor keep what the next worker will need.
  init(of store: String, from supervisor: SupervisorLink, log: Logger) throws(Failure) {
    self.store = store
    self.supervisor = supervisor
    self.log = log
    let mounts = try Self.mounts(supervisor)
    let memory = try Self.memory(supervisor)
    let lock = supervisor.take(Descriptors.lock).map { FileLock(holding: $0.release()) }
    // What was carried out must be told before this process appends something by itself.
    let found = Mutex<RequestJournal?>(nil)
    local = try LocalEngine(
      opening: store, holding: lock,
      onRecovery: { lastLSN in
        let connections = Set(mounts.map { UInt64($0.number) })
        found.withLock { $0 = RequestJournal(memory, lastLSN: lastLSN, connections: connections) }
      },
      onTrouble: { log.error("\($0)") })
    guard let journal = found.withLock({ $0 }) else { preconditionFailure("a store that is open was recovered") }
    self.journal = journal
    self.mounts = mounts
    if lock == nil, let lock = try local.fileLock() {
      supervisor.tell(.keep(name: Descriptors.lock, data: []), descriptor: lock.descriptor)
    }
  }

  /// The memory of the journal, which all workers share.
  private static func memory(_ supervisor: SupervisorLink) throws(Failure) -> SharedMemory {
    do throws(Errno) {
      if let kept = supervisor.take(Descriptors.requests) { return try SharedMemory(mapping: kept.release()) }
      let memory = try SharedMemory(named: "tine-requests", size: RequestJournal.size)
      supervisor.tell(.keep(name: Descriptors.requests, data: []), descriptor: memory.descriptor)
      return memory
    } catch {
      throw Failure(.failed, "cannot share memory with the next worker: \(error)")
    }
  }

  private static func mounts(
    _ supervisor: SupervisorLink
  ) throws(Failure) -> [(number: Int, kept: KeptMount, channel: Int32)] {
    var mounts: [(number: Int, kept: KeptMount, channel: Int32)] = []
    for name in supervisor.inheritedNames {
      guard let number = Descriptors.mountNumber(name), let inherited = supervisor.take(name) else { continue }
      let kept = try JSON.decode(KeptMount.self, from: Data(inherited.data))
      mounts.append((number, kept, inherited.release().release()))
    }
    return mounts.sorted { $0.number < $1.number }
  }

  /// Serves the mounts again that the worker before has served. Where there was none, takes away what a daemon left behind dead.
  func goOn(in table: MountTable) throws(Failure) {
    if mounts.isEmpty {
      for directory in try MountRecord(store: store).clear() {
        log.notice("took away the dead mount at \(directory.text)")
      }
    }
    if journal.unansweredCount > 0 {
      log.notice("\(journal.unansweredCount) changes of names were made and not answered")
    }
    for mount in mounts {
      let channel = FileDescriptor(owning: mount.channel)
      do throws(Failure) {
        table.goOn(with: mount.kept, mount.number, channel, try local.fileSystem(mount.kept.mount.name))
      } catch {
        table.giveUp(mount.kept, mount.number, error.message)
      }
    }
  }
}
