import FUSE
import FileSystem
import SystemIO

/// Changes that must not happen twice, though the kernel sends a request again that a process which has died did not answer
/// (`RequestJournal`).
extension ForkOperations {
  /// Carries out a change, and hands what comes of it to `finish`, which answers and then ends the execution.
  ///
  /// - Parameter recalling: where the change has happened already, finds what it gave.
  func once<Answer: Reply & ~Copyable, Value>(
    _ request: consuming Request<Answer>, _ change: @escaping (FileSystem) throws(Errno) -> Value,
    recalling recall: @escaping (FileSystem) throws(Errno) -> Value,
    finish: @escaping (consuming Request<Answer>, Result<Value, Errno>, Execution?) -> Void
  ) {
    let number = request.number
    let execution = journal?.begin(number.value, isResent: number.isResent)
    let carryOut = { (files: FileSystem) throws(Errno) -> Value in
      guard let execution else { return try change(files) }
      return try execution.isRepeated ? recall(files) : change(files.witnessed(by: execution))
    }
    let result = Result { () throws(Errno) in try carryOut(fileSystem(mayBlock: false)) }
    guard case .failure(.wouldBlock) = result else { return finish(request, result, execution) }
    request.detached(isOrdered: true) { request in
      finish(request, Result { () throws(Errno) in try carryOut(self.fileSystem) }, execution)
    }
  }

  /// The same for requests that only succeed or fail.
  func answerOnce(
    _ request: consuming Request<Done>, _ change: @escaping (FileSystem) throws(Errno) -> Void
  ) {
    once(request, change) { (_) throws(Errno) in
    } finish: { request, result, execution in
      request.reply { () throws(Errno) in
        try result.get()
        return Done()
      }
      execution?.end()
    }
  }
}
