public import CPosix
import Glibc
public import SystemIO

public enum LockKind: Hashable, Sendable {
  case shared, exclusive, none
}

/// Whom a lock of fcntl(2) belongs to.
public enum LockOwner: Hashable, Sendable {
  case process, openFile
}

/// None of these waits: where somebody else's lock is in the way, they fail with EAGAIN.
extension OpenFile {
  /// Locks the whole file, or gives it free: flock(2).
  public func lockWhole(_ kind: LockKind) throws(Errno) {
    let operation =
      switch kind {
      case .shared: posix_LOCK_SH
      case .exclusive: posix_LOCK_EX
      case .none: posix_LOCK_UN
      }
    try retryingInterrupts { flock(descriptor, operation | posix_LOCK_NB) }
  }

  /// Locks a range, or gives it free: fcntl(2) with F_SETLK or F_OFD_SETLK. A count of 0 is all that follows.
  public func lock(_ kind: LockKind, at offset: off_t = 0, count: off_t = 0, for owner: LockOwner) throws(Errno) {
    var lock = record(kind, offset, count)
    try retryingInterrupts { fcntl(descriptor, owner == .process ? F_SETLK : posix_F_OFD_SETLK, &lock) }
  }

  /// The kind of lock that keeps `kind` from being taken, and where it is; nil where nothing does: F_GETLK.
  public func lockInTheWay(
    of kind: LockKind, at offset: off_t = 0, count: off_t = 0, for owner: LockOwner
  ) throws(Errno) -> (kind: LockKind, offset: off_t, count: off_t, process: pid_t)? {
    var lock = record(kind, offset, count)
    try retryingInterrupts { fcntl(descriptor, owner == .process ? F_GETLK : posix_F_OFD_GETLK, &lock) }
    if lock.l_type == F_UNLCK { return nil }
    return (lock.l_type == F_WRLCK ? .exclusive : .shared, lock.l_start, lock.l_len, lock.l_pid)
  }

  private func record(_ kind: LockKind, _ offset: off_t, _ count: off_t) -> Glibc.flock {
    let type =
      switch kind {
      case .shared: F_RDLCK
      case .exclusive: F_WRLCK
      case .none: F_UNLCK
      }
    return Glibc.flock(
      l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: offset, l_len: count, l_pid: 0)
  }
}
