import Control
import FUSE
import FileSystem
import Glibc
import Logging
import Mount
import Service
import SystemIO

/// The mounts that this daemon serves. Each has a number, because its directory may be renamed, and it may be mounted at several.
///
/// Where a mount is at a moment is asked of the kernel: umount(8) and mount(8) know nothing of this table.
final class MountTable: Sendable {
  struct Entry {
    var kept: KeptMount
    let served: MountedFork

    var name: String { kept.mount.name }
  }

  struct State {
    var entries: [Int: Entry] = [:]
    var nextNumber = 0
    /// Forks that are being mounted.
    var reserved: [Int: String] = [:]
    /// Mounts that ended before they were entered.
    var endedEarly: Set<Int> = []
    /// Mounts that are off their directories, and whose last users are still there.
    var leaving: [Int: KeptMount] = [:]
  }

  let supervisor: SupervisorLink
  let journal: RequestJournal
  let log: Logger
  let state = Monitor(State())
  private let record: MountRecord
  private let store: FileDescriptor
  private let directory: FileDescriptor
  /// How long those who still use a mount that is taken away get to notice, in milliseconds.
  static let patience = 2000

  /// - Parameter directory: where the daemon keeps its sockets and records, often the store.
  init(
    store: String, in directory: String, supervisor: SupervisorLink, journal: RequestJournal, log: Logger
  ) throws(Errno) {
    record = MountRecord(in: directory)
    self.store = try FileDescriptor(naming: store)
    self.directory = try FileDescriptor(naming: directory)
    self.supervisor = supervisor
    self.journal = journal
    self.log = log
  }

  /// What is mounted, and where: a fork that is mounted at two directories is there twice.
  var all: [Control.Mount] { numbered.map(\.mount) }

  var numbered: [(number: Int, mount: Control.Mount)] {
    let entries = state.withLock { $0.entries.sorted { $0.key < $1.key } }
    return entries.flatMap { number, entry in
      entry.served.places.map { (number, entry.kept.mount.moved(to: BytePath($0), device: entry.served.device)) }
    }
  }

  /// Whether it serves the mount with a number, be it off its directories.
  func serves(_ number: Int) -> Bool {
    state.withLock { $0.entries[number] != nil || $0.leaving[number] != nil }
  }

  /// Whether a fork or snapshot is about to be served.
  func isMounting(_ name: String) -> Bool { state.withLock { $0.reserved.values.contains(name) } }

  /// Whether nothing is served, not even to those who have not let go of it.
  var isEmpty: Bool { state.withLock { $0.entries.isEmpty && $0.leaving.isEmpty } }

  /// Whether every mount outlives this process.
  var allAreKept: Bool {
    let areKept = state.withLock { state in
      state.entries.values.allSatisfy { $0.served.handover.agreement.flags.contains(.resend) }
    }
    return areKept && supervisor.isReachable
  }

  /// Mounts `fileSystem` as `request` asks, on a directory that is open. A fork that is mounted already is shown there too, for two
  /// mounts of their own would not see each other's changes.
  ///
  /// - Returns: the mount, and its number if it is a new one.
  func add(
    _ fileSystem: FileSystem, _ request: MountRequest, on directory: consuming FileDescriptor
  ) throws(Failure) -> (mount: Control.Mount, number: Int?) {
    let target = try target(directory, request)
    switch try reserve(fileSystem) {
    case .mounted(let number, let entry): return (try addPlace(number, entry, request, target), nil)
    case .reserved(let number):
      defer { state.notifyAll { _ = $0.reserved.removeValue(forKey: number) } }
      let served = try serve(fileSystem, request, number, target)
      let mount = Control.Mount(
        name: fileSystem.name, directory: BytePath(target.path), readOnly: fileSystem.isReadOnly,
        writeback: request.writeback && !fileSystem.isReadOnly, device: served.device)
      enter(KeptMount(mount, request, served.handover), served, number)
      return (mount, number)
    }
  }

  /// A mount over the store, above it or inside of it would hide the store from its own daemon; over the sockets, the daemon from everybody.
  private func target(
    _ directory: consuming FileDescriptor, _ request: MountRequest
  ) throws(Failure) -> MountTarget {
    let hides: Bool
    do throws(Errno) {
      hides = try self.hides(directory, request)
    } catch {
      // A dead mount is on it, which shows no more than that.
      guard error == .notConnected else { throw Failure(mounting: MountError(errno: error, request.directory.text)) }
      hides = false
    }
    if hides { throw .hidesStore(request.directory.text) }
    do throws(MountError) {
      return try MountedFork.target(directory, describedAs: request.directory.text)
    } catch {
      throw Failure(mounting: error)
    }
  }

  private func hides(_ directory: borrowing FileDescriptor, _ request: MountRequest) throws(Errno) -> Bool {
    let target = try FileIdentity.ancestry(of: directory)
    let above = try FileIdentity.ancestry(of: store)
    if try FileIdentity.ancestry(of: self.directory).contains(target[0]) { return true }
    guard !above.contains(target[0]), let depth = target.firstIndex(of: above[0]) else {
      return above.contains(target[0])
    }
    // The forks of attempts are mounted at `mounts/NAME`.
    let mounts = try FileDescriptor(naming: "mounts", in: store.rawValue)
    if depth != 2 { return true }
    return try target[1] != FileIdentity(of: mounts)
  }

  private enum Reservation {
    case reserved(Int)
    /// The fork is mounted already.
    case mounted(Int, Entry)
  }

  /// Gives out a number, unless the fork is mounted. An unmount or a mount that is under way is waited for.
  private func reserve(_ fileSystem: FileSystem) throws(Failure) -> Reservation {
    let name = fileSystem.name
    let found: Reservation? = state.wait(atMost: Self.patience) { state in
      if !fileSystem.isReadOnly {
        if state.reserved.values.contains(name) || state.leaving.values.contains(where: { $0.mount.name == name }) {
          return nil
        }
        if let (number, entry) = state.entries.first(where: { $0.value.name == name }) {
          // Whoever else unmounted it has done so a moment ago.
          return entry.served.places.isEmpty ? nil : .mounted(number, entry)
        }
      }
      state.nextNumber += 1
      state.reserved[state.nextNumber] = name
      return .reserved(state.nextNumber)
    }
    if let found { return found }
    let left = state.withLock { $0.entries.first { $0.value.name == name && $0.value.served.places.isEmpty } }
    if let left { leave(left.key) }
    throw Failure(
      .conflict, "\(name) was unmounted, but somebody still uses it\(users(of: name))",
      hint: "end what uses it, or mount a fork of it here")
  }

  /// Whether nobody but this process's user can put set-user-ID programs and devices into the store: whose store it is could write to its
  /// files.
  private var storeIsOurs: Bool {
    var status = stat()
    return fstat(store.rawValue, &status) == 0 && status.st_uid == geteuid()
  }

  private func serve(
    _ fileSystem: FileSystem, _ request: MountRequest, _ number: Int, _ target: borrowing MountTarget
  ) throws(Failure) -> MountedFork {
    let options = MountedFork.Options(
      name: fileSystem.name, writesBack: request.writeback, isTrusted: storeIsOurs)
    do throws(MountError) {
      return try MountedFork(
        fileSystem, on: target, options: options, journal: journal.connection(UInt64(number))
      ) { [weak self] reason in self?.ended(number, reason) }
    } catch {
      throw Failure(mounting: error)
    }
  }

  /// From here on the mount outlives this process, where the kernel can send requests again.
  private func enter(_ kept: KeptMount, _ served: MountedFork, _ number: Int) {
    state.withLock { state in
      if state.endedEarly.remove(number) != nil { return }
      state.entries[number] = Entry(kept: kept, served: served)
      if served.handover.agreement.flags.contains(.resend) { keep(kept, number, channel: served.channel) }
      write(state)
    }
    log.info("mounted \(kept.mount.name) at \(kept.mount.directory.quoted)")
  }

  private func addPlace(
    _ number: Int, _ entry: Entry, _ request: MountRequest, _ target: borrowing MountTarget
  ) throws(Failure) -> Control.Mount {
    do throws(MountError) {
      try entry.served.mountAgain(on: target)
    } catch {
      guard error.reason == .notPermitted else { throw Failure(mounting: error) }
      throw Failure(
        .conflict, "\(entry.name) is mounted already, at \(entry.served.places.map(\.quoted).joined(separator: ", "))",
        hint: "only root can mount it at a second directory: unmount it there first, or mount a fork of it here")
    }
    let path = target.path
    if request.makesDirectory {
      state.withLock { state in
        state.entries[number]?.kept.madeDirectories.append(path)
        if let kept = state.entries[number]?.kept { keep(kept, number) }
        write(state)
      }
    }
    log.info("mounted \(entry.name) at \(path.quoted) too")
    return entry.kept.mount.moved(to: BytePath(path))
  }

  func keep(_ kept: KeptMount, _ number: Int, channel: Int32 = -1) {
    do {
      let data = [UInt8](try JSON.encode(kept))
      supervisor.tell(.keep(name: Descriptors.mount(number), data: data), descriptor: channel)
    } catch {
      log.error("the mount at \(kept.mount.directory.quoted) will end with this process: \(error)")
    }
  }

  /// Writes the mounts down. Without the record nothing is lost but the cleaning up after a killed daemon.
  func write(_ state: State) {
    let entries = state.entries.values.flatMap { entry -> [MountRecord.Entry] in
      let made = entry.kept.madeDirectories
      return Set([entry.kept.mount.directory.text] + made).sorted().map { directory in
        MountRecord.Entry(
          mount: entry.kept.mount.moved(to: BytePath(directory)), madeDirectory: made.contains(directory),
          device: entry.kept.device)
      }
    }
    do throws(Failure) { try record.write(entries) } catch { log.error("\(error.message)") }
  }
}

extension Control.Mount {
  /// The same mount at another directory.
  func moved(to directory: BytePath, device: UInt64? = nil) -> Control.Mount {
    Control.Mount(
      name: name, directory: directory, readOnly: readOnly, writeback: writeback, device: device ?? self.device)
  }
}

extension Failure {
  init(mounting error: MountError) {
    switch error.reason {
    case .missing:
      self.init(.conflict, "\(error)", hint: "make the directory first")
    case .notDirectory: self.init(.conflict, "\(error)")
    case .busy: self.init(.conflict, "a fork or snapshot is mounted at \(error.path) already")
    case .notMounted: self.init(.noSuchName, "\(error)")
    case .covered: self.init(.conflict, "\(error)", hint: "unmount that first")
    case .elsewhere:
      self.init(
        .conflict, "\(error.path) is in another mount namespace than the daemon of this store (process \(getpid()))",
        hint: "mount from where the daemon was started; or 'tine stop', and it starts where you are")
    case .deviceForbidden:
      self.init(.failed, "\(error)", hint: "let everybody open it, as is usual: 'chmod 666 /dev/fuse' as root")
    case .notPermitted, .noDevice, .helperFailed:
      self.init(.failed, "\(error)", hint: "mounting needs /dev/fuse, and root or the program fusermount3")
    case .failed: self.init(.failed, "\(error)")
    }
  }
}
