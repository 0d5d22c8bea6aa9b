import Glibc

/// Nodes as they stand on the disk, and the checks that make bytes from there safe to use as a node.
extension Node {
  /// The page without its free part.
  func image() -> [UInt8] {
    let directory = Node.headerSize + 2 * count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(directory + Node.size - heapStart)
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: base, count: directory))
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + heapStart, count: Node.size - heapStart))
    return bytes
  }

  /// Spreads the first `length` bytes of the page, an image, over the page. Throws where they can't be the node `reference`; what it
  /// accepts can be searched and changed without leaving the page.
  func expand(length: Int, expecting reference: NodeReference) throws(TreeError) {
    guard length >= Node.headerSize, self.reference == reference else {
      throw .damaged("node \(reference): its bytes are another's")
    }
    let directory = Node.headerSize + 2 * count
    guard heapStart >= directory, heapStart <= Node.size, length == directory + Node.size - heapStart else {
      throw .damaged("node \(reference): its lengths do not fit together")
    }
    memmove(base + heapStart, base + directory, Node.size - heapStart)
    (base + directory).initializeMemory(as: UInt8.self, repeating: 0, count: heapStart - directory)
    try verifyEntries()
    // Trees own nodes that were never written only, and epoch 0 is nobody's.
    epoch = 0
  }

  /// That every entry lies in the heap, and that the keys rise.
  private func verifyEntries() throws(TreeError) {
    var previous: TreeKey?
    var bytes = 0
    for index in 0..<count {
      let offset = entryOffset(index)
      guard offset >= heapStart, offset + Node.entryOverhead <= Node.size,
        offset + Node.entryOverhead + value(index).count <= Node.size,
        isLeaf
          ? value(index).count <= Tree.maximumValueLength
          : value(index).count == 8 && child(index).generation <= reference.generation
      else { throw .damaged("node \(reference): entry \(index) is malformed") }
      bytes += Node.entryOverhead + value(index).count
      if let previous, previous >= key(index) { throw .damaged("node \(reference): its keys do not rise") }
      previous = key(index)
    }
    guard count > 0, bytes + garbage == Node.size - heapStart, level < 32 else {
      throw .damaged("node \(reference): its heap does not add up")
    }
  }
}
