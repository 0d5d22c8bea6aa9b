import FUSE
import FileSystem
import Synchronization
import SystemIO

/// Answers lseek requests. The kernel asks where a file has data without handing over what was only stored to a mapping
/// or, with write-back, written: that would be taken for a hole, and cp(1) would leave it out. So it is made to hand it
/// over first.
///
/// One thread of a mount at a time does that, since it waits for requests that need threads too.
final class SeekQueue: Sendable {
  private struct Seek {
    var node: NodeID
    var offset: UInt64
    var whence: Int32
    var request: ParkedRequest<Offset>
  }

  private struct State {
    var isSeeking = false
    var waiting: [Seek] = []
  }

  private let fileSystem: FileSystem
  private let state = Mutex(State())

  init(_ fileSystem: FileSystem) { self.fileSystem = fileSystem }

  func add(_ request: consuming Request<Offset>, _ node: NodeID, _ offset: UInt64, _ whence: Int32) {
    let parked = request.park()
    let mustWait = state.withLock { state in
      state.waiting.append(Seek(node: node, offset: offset, whence: whence, request: parked))
      defer { state.isSeeking = true }
      return state.isSeeking
    }
    if mustWait { return }
    parked.detached(isOrdered: false) { while let seek = self.next() { self.answer(seek) } }
  }

  private func next() -> Seek? {
    state.withLock { state in
      state.isSeeking = !state.waiting.isEmpty
      return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
    }
  }

  private func answer(_ seek: Seek) {
    seek.request.take()?.reply { () throws(Errno) in
      try seek.request.session.invalidate(seek.node, contentFrom: seek.offset)
      return Offset(try fileSystem.lseek(seek.node, offset: seek.offset, whence: seek.whence))
    }
  }
}
