import FileSystem
import Glibc
import SystemIO

/// Threads that add files, fed through a bounded queue. The first error ends the import.
final class ImportWorkers: Sendable {
  private static let longestQueue = 512
  /// Each directory that a file of the queue is in is open.
  private static let mostDirectories = 64

  private struct State {
    /// What was taken is nil, and keeps no directory open.
    var queue: [ImportedFile?] = []
    var next = 0
    /// How often the directory changes along the queue.
    var directories = 0
    var busy = 0
    var running = 0
    var isClosed = false
    var failure: TransferError?

    var isEmpty: Bool { next == queue.count }
    var isFull: Bool { queue.count - next >= longestQueue || directories >= mostDirectories }

    mutating func append(_ file: ImportedFile) {
      if isEmpty || queue[queue.count - 1]?.directory !== file.directory { directories += 1 }
      queue.append(file)
    }

    mutating func removeFirst() -> ImportedFile {
      guard let file = queue[next] else { preconditionFailure("a file is taken once") }
      queue[next] = nil
      next += 1
      if isEmpty || queue[next]?.directory !== file.directory { directories -= 1 }
      if isEmpty {
        queue.removeAll(keepingCapacity: true)
        next = 0
      } else if next >= 4096 {
        queue.removeFirst(next)
        next = 0
      }
      return file
    }
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
  func add(_ file: ImportedFile) throws(TransferError) {
    let failure = state.wait { state -> TransferError?? in
      if let failure = state.failure { return .some(failure) }
      return state.isFull ? nil : .some(nil)
    }
    if let failure { throw failure }
    state.notifyAll { $0.append(file) }
  }

  /// Waits until every file was added.
  func finish() throws(TransferError) {
    let failure = state.wait { state -> TransferError?? in
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
      var failure: TransferError?
      do throws(TransferError) {
        _ = try stillAt(file.path) { () throws(Errno) in try importer.add(file, buffer) }
      } catch { failure = error }
      state.notifyAll { state in
        state.busy -= 1
        state.failure = state.failure ?? failure
      }
    }
    state.notifyAll { $0.running -= 1 }
  }

  /// The next file; nil when there is nothing more to do.
  private func take() -> ImportedFile? {
    state.wait { state -> ImportedFile?? in
      if state.isClosed || state.failure != nil { return .some(nil) }
      guard !state.isEmpty else { return nil }
      state.busy += 1
      return .some(state.removeFirst())
    }
  }
}
