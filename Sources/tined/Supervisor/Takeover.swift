import Control
import FoundationEssentials
import Glibc
import Logging
import Mount
import Service
import Synchronization
import SystemIO

/// The start of a worker: of the first one, or of one that goes on where another has died.
struct Takeover {
  let local: LocalEngine
  /// A path to the directory with the daemon's sockets and records: the store, or a runtime directory. It is good in this process.
  let directory: String
  let journal: RequestJournal
  private let supervisor: SupervisorLink
  private let log: Logger
  private let mounts: [(number: Int, kept: KeptMount, channel: Int32)]
  private let lastRecord: LastRecord
  private let lastFound: UInt64

  /// Opens the store, and has the supervisor keep what the next worker will need.
  init(
    of store: String, readOnly: Bool, from supervisor: SupervisorLink, log: Logger
  ) throws(Failure) {
    self.supervisor = supervisor
    self.log = log
    let mounts = try Self.mounts(supervisor)
    let memory = try Self.memory(supervisor)
    let inherited = try Self.storage(store, supervisor)
    // Before the store is opened: who is about to write to it looks for this.
    let lease = readOnly ? try RuntimeLease(of: inherited?.path ?? store, supervisor) : nil
    let lastRecord = LastRecord(in: memory)
    // What was carried out must be told before this process appends something by itself.
    let found = Mutex<(journal: RequestJournal, lastLSN: UInt64)?>(nil)
    local = try LocalEngine(
      opening: store, on: inherited, writes: !readOnly,
      onRecovery: { lastLSN in
        let connections = Set(mounts.map { UInt64($0.number) })
        let journal = RequestJournal(memory, lastLSN: lastLSN, connections: connections)
        found.withLock { $0 = (journal, lastLSN) }
      },
      // What only memory has cannot be found again.
      onAppend: { if !readOnly { lastRecord.note($0) } },
      onTrouble: { log.error("\($0)") })
    guard let found = found.withLock({ $0 }) else { preconditionFailure("a store that is open was recovered") }
    (journal, lastFound) = found
    self.lastRecord = lastRecord
    self.mounts = mounts
    directory = lease?.path ?? local.storage.path
    if inherited == nil {
      supervisor.tell(.keep(name: Descriptors.store, data: []), descriptor: local.storage.descriptor)
      if let lock = try local.fileLock() {
        supervisor.tell(.keep(name: Descriptors.lock, data: []), descriptor: lock.descriptor)
      }
    }
  }

  /// The store's directory, which may have been moved since it was opened, and the lock in it, unless that could not be made; nil for the first
  /// worker. Workers of older versions have the lock alone kept.
  private static func storage(_ path: String, _ supervisor: SupervisorLink) throws(Failure) -> DirectoryStorage? {
    let lock = supervisor.take(Descriptors.lock).map { FileLock(holding: $0.release()) }
    if let directory = supervisor.take(Descriptors.store) {
      return DirectoryStorage(owning: directory.release(), holding: lock)
    }
    guard let lock else { return nil }
    do throws(Errno) { return try DirectoryStorage(opening: path, holding: lock) } catch {
      throw Failure(.failed, "cannot open the store \(path): \(error)")
    }
  }

  /// The memory of the journal, which all workers share.
  private static func memory(_ supervisor: SupervisorLink) throws(Failure) -> SharedMemory {
    let memory: SharedMemory
    do throws(Errno) {
      if let kept = supervisor.take(Descriptors.requests) {
        memory = try SharedMemory(mapping: kept.release())
      } else {
        memory = try SharedMemory(named: "tine-requests", size: RequestJournal.size)
        supervisor.tell(.keep(name: Descriptors.requests, data: []), descriptor: memory.descriptor)
      }
    } catch {
      throw Failure(.failed, "cannot share memory with the next worker: \(error)")
    }
    guard memory.bytes.count == RequestJournal.size else {
      throw Failure(.notSupported, "the daemon before kept its requests in another way: its mounts stay with it")
    }
    return memory
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
    if mounts.isEmpty { clearAfterKilledDaemon() }
    if journal.unansweredCount > 0 {
      log.notice("\(journal.unansweredCount) changes of names were made and not answered")
    }
    let missing = lastRecord.missing(after: lastFound)
    guard missing == 0 else { return endAll(in: table, missing) }
    for mount in mounts {
      let channel = FileDescriptor(owning: mount.channel)
      do throws(Failure) {
        table.goOn(with: mount.kept, mount.number, channel, try local.fileSystem(mount.kept.mount.name))
      } catch {
        table.giveUp(mount.kept, mount.number, error.message)
      }
    }
    // Whoever waits for a mount waits no more; the socket comes later.
    if !mounts.isEmpty { supervisor.tell(.serving) }
  }

  /// What cannot be cleared keeps nobody from using the store.
  private func clearAfterKilledDaemon() {
    let clearing = MountRecord(in: directory).clear()
    for directory in clearing.directories { log.notice("took away the dead mount at \(directory.quoted)") }
    for failure in clearing.failures { log.error("\(failure.message)") }
    if let damage = clearing.damage { log.error("\(damage)") }
  }

  /// The disk has lost what was answered and not flushed, as when the host loses power. Whoever uses a mount believes it to be there, so the mounts
  /// end, and with them what the kernel remembers; the next flush must not vouch for what is lost.
  private func endAll(in table: MountTable, _ missing: UInt64) {
    log.critical("the disk has lost \(missing) records behind LSN \(lastFound), which had not been flushed")
    for mount in mounts {
      close(mount.channel)
      table.giveUp(mount.kept, mount.number, "what was written to it last is lost; all that was flushed is there")
    }
    lastRecord.settle(at: lastFound)
  }
}
