import Glibc
import Store
import SystemIO

/// Where the store is, so that it is neither imported nor exported into itself, whatever path leads to it. It is known by its lock
/// file, which is open as long as the store is.
struct StorePlace {
  private let lock: HostIdentity?

  init(of store: Store) throws(Errno) {
    guard let file = store.fileLock else {
      lock = nil
      return
    }
    var status = stat()
    try retryingInterrupts { fstat(file.descriptor, &status) }
    lock = HostIdentity(status)
  }

  /// Whether it is a file of the store that has this identity.
  func isLock(_ file: HostIdentity) -> Bool { file == lock }

  /// Whether a directory is the store or in it. What is mounted in the store is not.
  func contains(_ directory: HostDirectory) throws(Errno) -> Bool {
    guard lock != nil else { return false }
    var current = directory
    while true {
      if try isStore(current) { return true }
      guard let parent = try parent(of: current), parent.identity != current.identity,
        parent.identity.isOnDevice(of: directory.identity)
      else { return false }
      current = parent
    }
  }

  /// Nil where this user may not look it up: then it is not the store that this user opened.
  private func parent(of directory: HostDirectory) throws(Errno) -> HostDirectory? {
    do throws(Errno) {
      return try directory.parent()
    } catch {
      guard error == .accessDenied else { throw error }
      return nil
    }
  }

  private func isStore(_ directory: HostDirectory) throws(Errno) -> Bool {
    do throws(Errno) { return isLock(HostIdentity(try directory.status(of: Array(Store.lockPath.utf8)))) } catch {
      guard [.noSuchFile, .accessDenied, .notDirectory].contains(error) else { throw error }
      return false
    }
  }
}
