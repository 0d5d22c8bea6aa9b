import Control
import FUSE
import Glibc
import Logging
import Mount
import Processes
import SystemIO

extension MountTable {
  /// Unmounts what is mounted at a directory. With `lazy` it goes even if it is in use.
  func remove(_ directory: BytePath, lazy: Bool) throws(Failure) {
    let found =
      numbered.first { $0.mount.directory == directory }.map { ($0.number, $0.mount.directory) }
      ?? askedFor(directory)
    guard let (number, place) = found, let entry = state.withLock({ $0.entries[number] }) else {
      throw Failure(
        .noSuchName, "nothing is mounted at \(directory.quoted)", hint: "'tine list' shows what is mounted, and where")
    }
    try remove(number, entry, place.text, lazy: lazy)
  }

  /// The mount that was asked for with this path, which may lead through symbolic links, if there is no doubt which it is.
  private func askedFor(_ directory: BytePath) -> (number: Int, place: BytePath)? {
    let entries = state.withLock { $0.entries.filter { $0.value.kept.request.directory == directory } }
    guard entries.count == 1, let (number, entry) = entries.first else { return nil }
    let places = entry.served.places
    return places.count == 1 ? (number, BytePath(places[0])) : nil
  }

  private func remove(_ number: Int, _ entry: Entry, _ place: String, lazy: Bool) throws(Failure) {
    do throws(MountError) {
      let hasEnded = try entry.served.unmount(at: place, atMost: Self.patience)
      settle(number, entry, place, hasEnded: hasEnded)
    } catch {
      // Whoever else unmounted it was faster.
      if error.reason == .notMounted {
        // Or the path leads elsewhere, because something else is mounted above it.
        if entry.served.places.contains(place) { throw Failure(mounting: MountError(.covered, place)) }
        return settle(number, entry, place, hasEnded: false)
      }
      guard error.reason == .busy else { throw Failure(mounting: error) }
      guard lazy else {
        throw busy([(entry, place)], hint: "end what uses it; 'tine unmount --lazy' takes it away from them")
      }
      do throws(MountError) { try entry.served.unmountLazily(at: place) } catch { throw Failure(mounting: error) }
      settle(number, entry, place, hasEnded: entry.served.places.isEmpty && hasEnded(number))
    }
  }

  /// It is off one directory. It has ended, is mounted at others still, or is only served to those who have not let go of it.
  private func settle(_ number: Int, _ entry: Entry, _ place: String, hasEnded: Bool) {
    if hasEnded { return }
    if entry.served.places.isEmpty { return leave(number) }
    if entry.kept.madeDirectories.contains(place) { rmdir(place) }
    state.withLock { state in
      state.entries[number]?.kept.madeDirectories.removeAll { $0 == place }
      if let kept = state.entries[number]?.kept { keep(kept, number) }
      write(state)
    }
  }

  /// Waits a while for the end of a mount that is off its directories.
  private func hasEnded(_ number: Int) -> Bool {
    state.wait(atMost: Self.patience) { $0.entries[number] == nil ? true : nil } ?? false
  }

  /// Unmounts everything. Unless `force` is given, nothing is done if anything is in use.
  func removeAll(force: Bool) throws(Failure) {
    if !force { try refuseIfUsed() }
    var failure: Failure?
    for (number, mount) in numbered.reversed() {
      guard let entry = state.withLock({ $0.entries[number] }) else { continue }
      do throws(Failure) { try remove(number, entry, mount.directory.text, lazy: force) } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// Throws if a process uses a mount.
  func refuseIfUsed() throws(Failure) {
    let used = numbered.compactMap { number, mount -> (Entry, String)? in
      guard let entry = state.withLock({ $0.entries[number] }), !FileSystemUser.all(of: entry.served.device).isEmpty
      else { return nil }
      return (entry, mount.directory.text)
    }
    if !used.isEmpty { throw busy(used, hint: "end what uses it; 'tine stop --force' takes it away from them") }
  }

  /// Ends the mount that was made for a client that is gone. Its processes are about to end, or have escaped; these lose it.
  func end(_ number: Int) {
    guard let entry = state.withLock({ $0.entries[number] }) else { return }
    let deadline = ContinuousClock.now.advanced(by: .milliseconds(Self.patienceWithAttempts))
    while true {
      do throws(MountError) {
        if try !entry.served.unmount(atMost: Self.patience) { leave(number) }
        return
      } catch {
        if error.reason == .notMounted { return hasEnded(number) ? () : leave(number) }
        guard error.reason == .busy, ContinuousClock.now < deadline else { break }
        if entry.served.hasEnded(atMost: 50) { return }
      }
    }
    log.warning("\(entry.name) is taken away from those who still use it\(users(of: entry.name))")
    if entry.served.unmountByForce(), hasEnded(number) { return }
    do throws(MountError) { try entry.served.unmountLazily() } catch {
      if error.reason != .notMounted { log.error("cannot unmount \(entry.name): \(error)") }
    }
    if !hasEnded(number) { leave(number) }
  }

  /// How long the processes of an attempt may take to end after their client, in milliseconds.
  private static let patienceWithAttempts = 8000

  /// A mount is served no more: this daemon unmounted it, or umount(8) did.
  func ended(_ number: Int, _ reason: SessionEnd) {
    state.notifyAll { state in
      supervisor.tell(.drop(name: Descriptors.mount(number)))
      if state.leaving.removeValue(forKey: number) != nil { return }
      guard let entry = state.entries.removeValue(forKey: number) else {
        state.endedEarly.insert(number)
        return
      }
      for directory in entry.kept.madeDirectories { rmdir(directory) }
      write(state)
      log.info("\(entry.name) is not mounted at \(entry.kept.mount.directory.quoted) any more: \(reason)")
    }
  }

  /// It is off its directories, but some process still has a file of it open.
  func leave(_ number: Int) {
    state.notifyAll { state in
      guard let entry = state.entries.removeValue(forKey: number) else { return }
      var kept = entry.kept
      kept.isLeaving = true
      state.leaving[number] = kept
      keep(kept, number)
      for directory in kept.madeDirectories { rmdir(directory) }
      write(state)
      log.warning("\(entry.name) is not mounted here any more, but still in use elsewhere")
    }
  }

  // MARK: Users

  private func busy(_ used: [(entry: Entry, place: String)], hint: String) -> Failure {
    let list = used.map { "\($0.place) is in use\(Self.text(FileSystemUser.all(of: $0.entry.served.device)))" }
    return Failure(.conflict, list.joined(separator: "; "), hint: hint)
  }

  /// Who uses a fork that is mounted, or is off its directory: ` by sh (process 123)`; empty if that cannot be found out.
  func users(of name: String) -> String {
    let device = state.withLock { state in
      state.entries.values.first { $0.name == name }?.served.device
        ?? state.leaving.values.first { $0.mount.name == name }?.device
    }
    return device.map { Self.text(FileSystemUser.all(of: $0)) } ?? ""
  }

  private static func text(_ users: [FileSystemUser]) -> String {
    if users.isEmpty { return "" }
    let named = users.prefix(5).map { "\($0.name.quoted) (process \($0.process))" }.joined(separator: ", ")
    return " by \(named)" + (users.count > 5 ? " and \(users.count - 5) more" : "")
  }
}
