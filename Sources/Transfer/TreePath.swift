/// Where something is in a tree, for messages. It shares all but its last name with the places above it, for trees may be very deep.
final class TreePath: @unchecked Sendable {
  /// As much of the end of a path is shown: that of a very deep tree may have a megabyte.
  private static let longest = 4096
  private static let slash = UInt8(ascii: "/")

  private let name: [UInt8]
  /// Changed by the deinitializer alone.
  private var parent: TreePath?

  /// The top of a tree, by its own path.
  init(_ path: [UInt8]) {
    name = path.last == Self.slash ? path.dropLast() : path
    parent = nil
  }

  init(_ name: [UInt8], in parent: TreePath) {
    self.name = name
    self.parent = parent
  }

  /// Those above that nothing else holds go one after the other: each within the other would take as much stack as the tree is deep.
  deinit {
    while isKnownUniquelyReferenced(&parent), let last = parent {
      parent = last.parent
      last.parent = nil
    }
  }

  /// The path, or its end after three points where it is very long.
  var bytes: [UInt8] {
    var names = [name]
    var count = name.count
    var current = self
    while let parent = current.parent {
      count += parent.name.count + 1
      if count > Self.longest {
        names.append(Array("...".utf8))
        break
      }
      names.append(parent.name)
      current = parent
    }
    let path = Array(names.reversed().joined(separator: [Self.slash]))
    return path.isEmpty ? [Self.slash] : path
  }
}
