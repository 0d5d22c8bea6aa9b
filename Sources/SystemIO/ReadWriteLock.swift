import Glibc

/// A lock that many readers or one writer hold. Waiting writers keep new readers out, so a writer does not starve.
public final class ReadWriteLock: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_rwlock_t>

  public init() {
    lock = .allocate(capacity: 1)
    var attributes = pthread_rwlockattr_t()
    pthread_rwlockattr_init(&attributes)
    // The value of PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, which Glibc hides.
    pthread_rwlockattr_setkind_np(&attributes, 2)
    let result = pthread_rwlock_init(lock, &attributes)
    precondition(result == 0, "pthread_rwlock_init failed")
    pthread_rwlockattr_destroy(&attributes)
  }

  deinit {
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  @inline(__always)
  public func withReading<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let result = pthread_rwlock_rdlock(lock)
    precondition(result == 0, "pthread_rwlock_rdlock failed")
    defer { pthread_rwlock_unlock(lock) }
    return try body()
  }

  @inline(__always)
  public func withWriting<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let result = pthread_rwlock_wrlock(lock)
    precondition(result == 0, "pthread_rwlock_wrlock failed")
    defer { pthread_rwlock_unlock(lock) }
    return try body()
  }
}
