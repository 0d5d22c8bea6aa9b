import FileSystem
import Glibc
import SystemIO

/// Threads that add files, fed through a bounded queue. The first error ends the import.
final class ImportWorkers: Sendable {
  private static let queueLimit = 512

  private struct State {
    var queue: [ImportedFile] = []
    var next = 0
    var busy = 0
    var running = 0
    var isClosed = false
    var failure: TransferFailure?

    var isEmpty: Bool { next == queue.count }
  }

  private let state = Monitor(State())
  private let importer: FileImporter

  init(count: Int, _ importer: FileImporter) {
    self.importer = importer
    state.withLock { $0.running = count }
    for _ in 0..<count { startThread() }
  }

  private func startThread() {
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<ImportWorkers>.fromOpaque(context!).takeRetainedValue().work()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(result == 0, "a thread can't be made")
    pthread_detach(thread)
  }

  /// Adds a file to the queue, and waits while that is full.
  func add(_ file: ImportedFile) throws(TransferFailure) {
    let failure = state.wait { state -> TransferFailure?? in
      if let failure = state.failure { return .some(failure) }
      return state.queue.count - state.next < Self.queueLimit ? .some(nil) : nil
    }
    if let failure { throw failure }
    state.notifyAll { $0.queue.append(file) }
  }

  /// Waits until every file was added.
  func finish() throws(TransferFailure) {
    let failure = state.wait { state -> TransferFailure?? in
      if let failure = state.failure { return .some(failure) }
      return state.isEmpty && state.busy == 0 ? .some(nil) : nil
    }
    if let failure { throw failure }
  }

  /// Ends the threads, and waits until the last of them is done with what it began.
  func stop() {
    state.notifyAll { $0.isClosed = true }
    state.wait { $0.running == 0 ? () : nil }
  }

  private func work() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FileSystem.largestImport, alignment: 4096)
    defer { buffer.deallocate() }
    while let file = take() {
      do throws(Errno) {
        _ = try importer.add(file, buffer)
        state.notifyAll { $0.busy -= 1 }
      } catch {
        state.notifyAll { state in
          state.busy -= 1
          state.failure = state.failure ?? TransferFailure(path: file.path, errno: error)
        }
      }
    }
    state.notifyAll { $0.running -= 1 }
  }

  /// The next file; nil when there is nothing more to do.
  private func take() -> ImportedFile? {
    state.wait { state -> ImportedFile?? in
      if state.isClosed || state.failure != nil { return .some(nil) }
      guard !state.isEmpty else { return nil }
      let file = state.queue[state.next]
      state.next += 1
      state.busy += 1
      if state.isEmpty {
        state.queue.removeAll(keepingCapacity: true)
        state.next = 0
      } else if state.next >= 4096 {
        state.queue.removeFirst(state.next)
        state.next = 0
      }
      return .some(file)
    }
  }
}
