import Synchronization
import SystemIO

/// Space that is kept on the disk for what frees space: the file `reserve`, of which the size is all that matters. Where a disk is full,
/// half of it is given back for the records of such changes, and all of it for a collection, which needs a checkpoint. It is made anew when
/// there is room.
///
/// A crash may leave it in any size. Where the host cannot reserve space it stays empty.
final class Reserve: Sendable {
  static let path = "reserve"
  /// Where the disk has not room for all of it, it is taken in parts, down to one in so many.
  private static let smallestPart: UInt64 = 64

  private let storage: any Storage
  private let size: UInt64
  private let file: Mutex<(any StorageFile)?> = Mutex(nil)

  /// - Parameter size: in bytes; 0 for none.
  init(_ storage: any Storage, size: UInt64) {
    self.storage = storage
    self.size = size
  }

  /// Takes what is missing from the disk, as far as that has it. Errors do not matter: without a reserve everything works as long as the disk
  /// is not full.
  func restore() {
    guard size > 0 else { return }
    file.withLock { file in
      do throws(Errno) {
        let opened = if let file { file } else { try open() }
        file = opened
        try extend(opened)
      } catch {}
    }
  }

  private func open() throws(Errno) -> any StorageFile {
    do throws(Errno) { return try storage.open(Self.path, .readingAndWriting) } catch {
      guard error == .noSuchFile else { throw error }
      return try storage.open(Self.path, .creating)
    }
  }

  private func extend(_ file: any StorageFile) throws(Errno) {
    var current = try file.size()
    var step = size
    while current < size, step >= max(1, size / Self.smallestPart) {
      let count = min(step, size - current)
      do throws(Errno) {
        try file.allocate(at: current, count: count)
        current += count
      } catch {
        // A part of it may have been reserved.
        try file.truncate(to: current)
        guard error == .noSpace else { throw error }
        step /= 2
      }
    }
  }

  /// What the reserve is given back for.
  enum Purpose { case record, collection }

  /// Gives space back; false where there is none left for this purpose.
  func release(for purpose: Purpose) -> Bool {
    let kept = purpose == .record ? size / 2 : 0
    return file.withLock { file in
      do throws(Errno) {
        guard let file, try file.size() > kept else { return false }
        try file.truncate(to: kept)
        return true
      } catch {
        return false
      }
    }
  }
}
