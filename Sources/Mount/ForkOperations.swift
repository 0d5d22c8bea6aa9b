import FUSE
import FileSystem
import Glibc
import SystemIO

/// Answers the kernel's requests with the operations of a file system.
///
/// What only needs memory runs on the thread that reads requests. What may wait for the disk, or takes long, is detached.
/// `open` and `opendir` are left unimplemented: the kernel then opens without asking, and keeps what is open alive by its
/// look-up count, so there are no handles to count, to lose, or to restore.
final class ForkOperations: Operations {
  let fileSystem: FileSystem
  private let nonblocking: FileSystem
  /// Nil where no other process will take over from this one.
  let journal: ConnectionJournal?
  let flushes: FlushQueue
  let seeks: SeekQueue

  /// More bytes than this are written, allocated or freed where it does not hold up other requests.
  static let detachedSize: UInt64 = 128 << 10
  /// Cutting off more than this may take long.
  static let detachedRemoval: UInt64 = 64 << 20

  init(_ fileSystem: FileSystem, journal: ConnectionJournal? = nil) {
    self.fileSystem = fileSystem
    self.journal = journal
    nonblocking = fileSystem.nonblocking()
    seeks = SeekQueue(fileSystem)
    flushes = FlushQueue { () throws(Errno) in try fileSystem.fsync() }
  }

  /// Answers at once where that needs no waiting for the disk, and otherwise where waiting holds up nobody else.
  func answer<Answer: Reply & ~Copyable>(
    _ request: consuming Request<Answer>, _ body: @escaping (FileSystem) throws(Errno) -> Answer
  ) {
    do {
      request.reply(try body(nonblocking))
    } catch .wouldBlock {
      answerBlocking(request, body)
    } catch {
      request.fail(error)
    }
  }

  /// Answers where waiting for the disk, or taking long, holds up nobody else.
  func answerBlocking<Answer: Reply & ~Copyable>(
    _ request: consuming Request<Answer>, _ body: @escaping (FileSystem) throws(Errno) -> Answer
  ) {
    request.detached(isOrdered: true) { request in
      request.reply { () throws(Errno) in try body(self.fileSystem) }
    }
  }

  /// The file system for a caller who may wait for the disk, or not.
  func fileSystem(mayBlock: Bool) -> FileSystem { mayBlock ? fileSystem : nonblocking }

  func forget(_ node: NodeID, count: UInt64, in session: Session) {
    if fileSystem.isInDoubt(node) {
      session.detach(isOrdered: true) {
        self.release(node, by: Int(count))
        self.removeUnused(node, session)
      }
    } else if mayTakeLong(toRemove: node) {
      session.detach(isOrdered: true) { self.release(node, by: Int(count)) }
    } else {
      release(node, by: Int(count))
    }
  }

  /// Removes a node without a name that the kernel does not know any more.
  func removeUnused(_ node: NodeID, _ session: Session) {
    logging("removing inode \(node)") { () throws(Errno) in
      if try !session.isKnown(node) { try fileSystem.removeUnused(node) }
    }
  }

  /// Whether forgetting a node may remove much: it has no name any more.
  private func mayTakeLong(toRemove node: NodeID) -> Bool {
    guard let attributes = try? fileSystem.getattr(node), attributes.links == 0 else { return false }
    return attributes.blocks * 512 > Self.detachedRemoval
  }

  /// Takes look-ups back. Where that removes an inode for good and fails, nobody is there to be told; the next mount removes
  /// it.
  func release(_ node: NodeID, by count: Int = 1) {
    logging("removing inode \(node)") { () throws(Errno) in try fileSystem.release(node, by: count) }
  }

  /// A path that leads to a node; nil where none does.
  func path(of node: NodeID) -> [UInt8]? {
    var path: [UInt8]?
    logging("looking for the path of inode \(node)") { () throws(Errno) in path = try fileSystem.path(of: node) }
    return path
  }

  /// Nobody uses the file system any more: what has no name goes, and whoever hears of the end may drop the fork.
  func end() {
    if !fileSystem.isReadOnly {
      logging("removing unused inodes") { () throws(Errno) in try fileSystem.purgeOrphans() }
    }
    fileSystem.endUse()
    nonblocking.endUse()
  }

  func logging(_ action: @autoclosure () -> String, _ body: () throws(Errno) -> Void) {
    do {
      try body()
    } catch {
      Log.write("\(action()): \(error)")
    }
  }

  func fsync(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool, file: FileReference) {
    flushes.add(request)
  }

  func fsyncdir(_ request: consuming Request<Done>, node: NodeID, dataOnly: Bool) {
    flushes.add(request)
  }

  func statfs(_ request: consuming Request<Statistics>, node: NodeID) {
    answer(request) { (files) throws(Errno) in Statistics(try files.statfs()) }
  }

  /// Files opened by `create` before the kernel knows that it need not ask are still released.
  func release(_ request: consuming Request<Done>, node: NodeID, file: FileReference) {
    request.reply(Done())
  }

  func ioctl(_ request: consuming Request<Done>, node: NodeID, command: UInt32) {
    request.fail(.noSuchControl)
  }
}

extension Errno {
  /// ENOTTY: there is no such control on this file.
  fileprivate static let noSuchControl = Errno(rawValue: ENOTTY)
}
