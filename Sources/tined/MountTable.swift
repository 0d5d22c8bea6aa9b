import Control
import FUSE
import FileSystem
import Glibc
import Logging
import Mount
import Service
import SystemIO

/// The mounts that this daemon serves. Each has a number, because a directory may be known by several paths.
final class MountTable: Sendable {
  private struct Entry {
    let kept: KeptMount
    let served: MountedFork

    var mount: Control.Mount { kept.mount }
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var nextNumber = 0
    /// Forks that are being mounted.
    var reserved: [Int: String] = [:]
    /// Mounts that ended before they were entered.
    var endedEarly: Set<Int> = []
    /// Mounts that are off their directories, and whose last users are still there: what they show.
    var leaving: [Int: String] = [:]
  }

  private let record: MountRecord
  private let supervisor: SupervisorLink
  private let journal: RequestJournal
  private let log: Logger
  private let state = Monitor(State())
  /// How long those who still use a mount that is taken away get to notice.
  private static let patience = 2000

  init(store: String, supervisor: SupervisorLink, journal: RequestJournal, log: Logger) {
    record = MountRecord(store: store)
    self.supervisor = supervisor
    self.journal = journal
    self.log = log
  }

  var all: [Control.Mount] {
    state.withLock { $0.entries.sorted { $0.key < $1.key }.map(\.value.mount) }
  }

  /// Whether nothing is served, not even to those who have not let go of it.
  var isEmpty: Bool { state.withLock { $0.entries.isEmpty && $0.leaving.isEmpty } }

  /// Mounts `fileSystem` as `request` asks.
  func add(_ fileSystem: FileSystem, _ request: MountRequest) throws(Failure) -> Control.Mount {
    guard String(validating: request.directory.bytes, as: UTF8.self) != nil else {
      throw Failure(.notSupported, "a mount point must have a name in UTF-8")
    }
    let number = try reserve(fileSystem)
    defer { state.withLock { _ = $0.reserved.removeValue(forKey: number) } }
    let madeDirectory = request.makesDirectory ? try makeDirectory(request.directory.text) : false
    do throws(Failure) {
      let served = try serve(fileSystem, request, number)
      let mount = Control.Mount(
        name: fileSystem.name, directory: BytePath(served.path), readOnly: fileSystem.isReadOnly,
        writeback: request.writeback && !fileSystem.isReadOnly)
      enter(KeptMount(mount, request, madeDirectory: madeDirectory, served.handover), served, number)
      return mount
    } catch {
      if madeDirectory { rmdir(request.directory.text) }
      throw error
    }
  }

  /// Goes on serving what an earlier worker had mounted, until it is unmounted.
  func goOn(with kept: KeptMount, _ number: Int, _ channel: consuming FileDescriptor, _ fileSystem: FileSystem) {
    state.withLock { $0.nextNumber = max($0.nextNumber, number) }
    do throws(Errno) {
      let served = try MountedFork(
        takingOver: kept.handover, channel: channel, fileSystem, journal: journal.connection(UInt64(number))
      ) { [weak self] reason in self?.ended(number, reason) }
      state.withLock { state in
        if state.endedEarly.remove(number) != nil { return }
        if kept.isLeaving {
          state.leaving[number] = kept.mount.name
        } else {
          state.entries[number] = Entry(kept: kept, served: served)
        }
        write(state)
      }
      log.info("\(kept.mount.name) at \(kept.mount.directory.text) is served again")
      // The worker before may have died between taking it off and saying so.
      if !served.isInPlace { leave(number) }
    } catch {
      giveUp(kept, number, "\(error)")
    }
  }

  /// Takes a mount away that nobody can serve any more.
  func giveUp(_ kept: KeptMount, _ number: Int, _ reason: String) {
    log.critical("the mount at \(kept.mount.directory.text) ends: \(reason)")
    supervisor.tell(.drop(name: Descriptors.mount(number)))
    do throws(MountError) {
      if !kept.isLeaving { try MountPoint(resolved: kept.mount.directory.text).unmount(lazily: true) }
    } catch {
      log.error("cannot take away the dead mount at \(kept.mount.directory.text): \(error)")
    }
    if kept.madeDirectory { rmdir(kept.mount.directory.text) }
  }

  /// Whether every mount outlives this process.
  var allAreKept: Bool {
    let areKept = state.withLock { state in
      state.entries.values.allSatisfy { $0.served.handover.agreement.flags.contains(.resend) }
    }
    return areKept && supervisor.isReachable
  }

  /// Unmounts what is mounted at a directory. With `lazy` it goes even if it is in use.
  func remove(_ directory: BytePath, lazy: Bool) throws(Failure) {
    let found = state.withLock { state in
      state.entries.first { $0.value.mount.directory == directory || $0.value.kept.request.directory == directory }
    }
    guard let (number, entry) = found else {
      throw Failure(
        .noSuchName, "nothing is mounted at \(directory.text)", hint: "'tine list' shows what is mounted, and where")
    }
    do throws(MountError) {
      if try !entry.served.unmount(atMost: Self.patience) { leave(number) }
    } catch {
      // Whoever else unmounted it was faster.
      if error.reason == .notMounted { return leave(number) }
      guard lazy, error.reason == .busy else { throw Failure(error) }
      try take(number, entry)
    }
  }

  /// Makes the kernel hand over what was written to a head before this call, where it is mounted.
  func barrier(_ name: String) throws(Failure) {
    let served = state.withLock { state in
      state.entries.values.first { $0.mount.name == name && !$0.mount.readOnly }?.served
    }
    do throws(Errno) {
      try served?.barrier()
    } catch {
      // It was unmounted meanwhile, and that hands everything over too.
      if error != .notConnected { throw Failure(.failed, "cannot collect what is written to \(name): \(error)") }
    }
  }

  /// Unmounts everything, also what is in use.
  func removeAll() throws(Failure) {
    var failure: Failure?
    for mount in all {
      do throws(Failure) { try remove(mount.directory, lazy: true) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }

  // MARK: Helpers

  /// Gives out a number, unless the fork is mounted: two mounts of one would not see each other's changes.
  private func reserve(_ fileSystem: FileSystem) throws(Failure) -> Int {
    try state.withLock { (state) throws(Failure) in
      if !fileSystem.isReadOnly, let other = state.entries.values.first(where: { $0.mount.name == fileSystem.name }) {
        throw Failure(
          .conflict, "\(fileSystem.name) is mounted already, at \(other.mount.directory.text)",
          hint: "unmount it there first, or mount a fork of it here")
      }
      if !fileSystem.isReadOnly, state.leaving.values.contains(fileSystem.name) {
        throw Failure(
          .conflict, "\(fileSystem.name) was unmounted, but somebody still uses it",
          hint: "end what uses it, or mount a fork of it here")
      }
      if !fileSystem.isReadOnly, state.reserved.values.contains(fileSystem.name) {
        throw Failure(
          .conflict, "\(fileSystem.name) is just being mounted", hint: "mount a fork of it here instead")
      }
      state.nextNumber += 1
      state.reserved[state.nextNumber] = fileSystem.name
      return state.nextNumber
    }
  }

  private func serve(_ fileSystem: FileSystem, _ request: MountRequest, _ number: Int) throws(Failure) -> MountedFork {
    let options = MountedFork.Options(name: fileSystem.name, writesBack: request.writeback)
    do throws(MountError) {
      return try MountedFork(
        fileSystem, at: request.directory.text, options: options, journal: journal.connection(UInt64(number))
      ) { [weak self] reason in self?.ended(number, reason) }
    } catch {
      throw Failure(error)
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
    log.info("mounted \(kept.mount.name) at \(kept.mount.directory.text)")
  }

  private func keep(_ kept: KeptMount, _ number: Int, channel: Int32 = -1) {
    do {
      let data = [UInt8](try JSON.encode(kept))
      supervisor.tell(.keep(name: Descriptors.mount(number), data: data), descriptor: channel)
    } catch {
      log.error("the mount at \(kept.mount.directory.text) will end with this process: \(error)")
    }
  }

  /// A mount is served no more: this daemon unmounted it, or umount(8) did.
  private func ended(_ number: Int, _ reason: SessionEnd) {
    state.notifyAll { state in
      supervisor.tell(.drop(name: Descriptors.mount(number)))
      if state.leaving.removeValue(forKey: number) != nil { return }
      guard let entry = state.entries.removeValue(forKey: number) else {
        state.endedEarly.insert(number)
        return
      }
      if entry.kept.madeDirectory { rmdir(entry.mount.directory.text) }
      write(state)
      log.info("\(entry.mount.name) is not mounted at \(entry.mount.directory.text) any more: \(reason)")
    }
  }

  /// Takes a mount away from those who use it, and waits a while for them to let go.
  private func take(_ number: Int, _ entry: Entry) throws(Failure) {
    do throws(MountError) { try entry.served.unmountLazily() } catch { throw Failure(error) }
    let ended: Bool? = state.wait(atMost: Self.patience) { $0.entries[number] == nil ? true : nil }
    if ended == nil { leave(number) }
  }

  private func leave(_ number: Int) {
    state.withLock { state in
      guard let entry = state.entries.removeValue(forKey: number) else { return }
      state.leaving[number] = entry.mount.name
      var kept = entry.kept
      kept.isLeaving = true
      keep(kept, number)
      if entry.kept.madeDirectory { rmdir(entry.mount.directory.text) }
      write(state)
      log.warning("\(entry.mount.name) is not mounted here any more, but still in use elsewhere")
    }
  }

  private func makeDirectory(_ path: String) throws(Failure) -> Bool {
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { mkdir(String(path[..<slash]), 0o700) }
    if mkdir(path, 0o700) == 0 { return true }
    if Errno.last == .exists { return false }
    throw Failure(.failed, "cannot make the directory \(path): \(Errno.last)")
  }

  /// Writes the mounts down. Without the record nothing is lost but the cleaning up after a killed daemon.
  private func write(_ state: State) {
    let entries = state.entries.values.map {
      MountRecord.Entry(mount: $0.mount, madeDirectory: $0.kept.madeDirectory, device: $0.kept.device)
    }
    do throws(Failure) { try record.write(entries) } catch { log.error("\(error.message)") }
  }
}

extension Failure {
  fileprivate init(_ error: MountError) {
    switch error.reason {
    case .missing:
      self.init(.conflict, "\(error)", hint: "make the directory first")
    case .notDirectory: self.init(.conflict, "\(error)")
    case .busy:
      self.init(.conflict, "\(error)", hint: "end what uses it; 'tine unmount --lazy' takes it away from them")
    case .notMounted: self.init(.noSuchName, "\(error)")
    case .deviceForbidden:
      self.init(.failed, "\(error)", hint: "let everybody open it, as is usual: 'chmod 666 /dev/fuse' as root")
    case .notPermitted, .noDevice, .helperFailed:
      self.init(.failed, "\(error)", hint: "mounting needs /dev/fuse, and root or the program fusermount3")
    case .failed: self.init(.failed, "\(error)")
    }
  }
}
