import Glibc
import SystemIO

/// The directories from the top of a tree down to the one in which a walk is.
///
/// No more than `mostOpen` of them are open at a time, however deep the tree is. The others are found again as the parent of what is
/// open, and it is checked that they are the ones that the walk came through.
struct Descent: ~Copyable {
  private static let mostOpen = 32
  private static let parent = Array("..".utf8)

  private struct Level {
    let identity: HostIdentity
    let place: TreePath
    var directory: HostDirectory?

    init(_ directory: HostDirectory) {
      identity = directory.identity
      place = directory.place
      self.directory = directory
    }
  }

  /// Those above the last one.
  private var levels: [Level] = []
  /// Where the walk is.
  private(set) var directory: HostDirectory

  init(from top: HostDirectory) { directory = top }

  var isAtTop: Bool { levels.isEmpty }

  /// Goes down into an entry of the directory.
  mutating func enter(_ child: HostDirectory) {
    levels.append(Level(directory))
    directory = child
    let closed = levels.count - Self.mostOpen
    // The top stays open: it is somebody's who may not be able to open it again.
    if closed > 0 { levels[closed].directory = nil }
  }

  /// Goes up, and returns the directory that the walk was in.
  ///
  /// - Throws: `changed` where somebody has moved it, or one above it.
  mutating func leave() throws(TransferError) -> HostDirectory {
    let left = directory
    guard let level = levels.popLast() else { preconditionFailure("nothing is above the top") }
    if let above = level.directory { directory = above } else { directory = try reopen(level) }
    return left
  }

  private func reopen(_ level: Level) throws(TransferError) -> HostDirectory {
    let parent = try at(level.place.bytes) { () throws(Errno) in
      try HostDirectory(directory.open(Self.parent, O_RDONLY | O_DIRECTORY), at: level.place)
    }
    guard parent.identity == level.identity else { throw TransferError(.changed, at: level.place.bytes) }
    return parent
  }
}
