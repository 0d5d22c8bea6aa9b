import FUSE
import FileSystem
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

  private let fileSystem: FileSystem
  private let line = WaitingLine<Seek>()

  init(_ fileSystem: FileSystem) { self.fileSystem = fileSystem }

  func add(_ request: consuming Request<Offset>, _ node: NodeID, _ offset: UInt64, _ whence: Int32) {
    let parked = request.park()
    guard line.add(Seek(node: node, offset: offset, whence: whence, request: parked)) else { return }
    parked.detached(isOrdered: false) {
      while let seeks = self.line.next() {
        for seek in seeks { self.answer(seek) }
      }
    }
  }

  private func answer(_ seek: Seek) {
    seek.request.take()?.reply { () throws(Errno) in
      try seek.request.session.invalidate(seek.node, contentFrom: seek.offset)
      return Offset(try fileSystem.lseek(seek.node, offset: seek.offset, whence: seek.whence))
    }
  }
}
