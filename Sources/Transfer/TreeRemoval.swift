import Glibc
import SystemIO

/// Removes what an export has made, whatever permissions it gave it.
enum TreeRemoval {
  private struct Level {
    let name: [UInt8]
    var entries: [[UInt8]]
  }

  /// Removes all that is in a directory.
  static func removeContent(of top: HostDirectory) throws(TransferError) {
    for name in try at(top.path, { () throws(Errno) in try top.names() }) { try remove(name, from: top) }
  }

  /// Removes an entry of a directory with all that is in it; it need not be there.
  static func remove(_ name: [UInt8], from top: HostDirectory) throws(TransferError) {
    var descent = Descent(from: top)
    var levels: [Level] = []
    try removeEntry(name, &descent, &levels)
    while !levels.isEmpty {
      if let name = levels[levels.count - 1].entries.popLast() {
        try removeEntry(name, &descent, &levels)
      } else {
        let level = levels.removeLast()
        _ = try descent.leave()
        let directory = descent.directory
        try at(directory.path(of: level.name)) { () throws(Errno) in try directory.unlink(level.name, AT_REMOVEDIR) }
      }
    }
  }

  /// Removes what is no directory, and enters what is one.
  private static func removeEntry(
    _ name: [UInt8], _ descent: inout Descent, _ levels: inout [Level]
  ) throws(TransferError) {
    let directory = descent.directory
    let entered = try at(directory.path(of: name)) { () throws(Errno) -> HostDirectory? in
      do throws(Errno) {
        try directory.unlink(name)
        return nil
      } catch {
        if error == .noSuchFile { return nil }
        guard error == .isDirectory || error == .notPermitted else { throw error }
        return try directory.openOwnDirectory(name)
      }
    }
    guard let entered else { return }
    let entries = try at(entered.path) { () throws(Errno) in
      try entered.node.setMode(0o700)
      return try entered.names()
    }
    descent.enter(entered)
    levels.append(Level(name: name, entries: entries))
  }
}
