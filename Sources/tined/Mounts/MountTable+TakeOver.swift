import Control
import FUSE
import FileSystem
import Glibc
import Logging
import Mount
import SystemIO

extension MountTable {
  /// Serves what an earlier worker had mounted, until it is unmounted.
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
      if served.places.isEmpty { leave(number) }
    } catch {
      giveUp(kept, number, "\(error)")
    }
  }

  /// Takes a mount away that nobody can serve any more.
  func giveUp(_ kept: KeptMount, _ number: Int, _ reason: String) {
    log.critical("the mount at \(kept.mount.directory.text) ends: \(reason)")
    supervisor.tell(.drop(name: Descriptors.mount(number)))
    do throws(MountError) {
      if !kept.isLeaving {
        try MountPoint(resolved: kept.mount.directory.text, device: kept.device).unmount(lazily: true)
      }
    } catch {
      log.error("cannot take away the dead mount at \(kept.mount.directory.text): \(error)")
    }
    for directory in kept.madeDirectories { rmdir(directory) }
  }

  /// Makes the kernel hand over what was written to a head before this call, where it is mounted.
  func barrier(_ name: String) throws(Failure) {
    let served = state.withLock { state in
      state.entries.values.first { $0.name == name && !$0.kept.mount.readOnly }?.served
    }
    do throws(Errno) {
      try served?.barrier()
    } catch {
      // It was unmounted meanwhile, and that hands everything over too.
      if error != .notConnected { throw Failure(.failed, "cannot collect what is written to \(name): \(error)") }
    }
  }
}
