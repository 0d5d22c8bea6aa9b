import Glibc

// A node is one page of 4096 bytes:
//
//   0   epoch u64, of the tree that owns it
//   8   its own reference u64
//   16  level u16, 0 for a leaf      18  count u16
//   20  heap start u16               22  garbage u16, bytes in the heap that no entry uses
//   24  the offset of each entry u16, in the order of the keys
//   …   free
//   …   heap: entries, growing down from the end of the page
//
// An entry is: key object u64, key item u64, length u16, value. In an inner node the value is the reference of a
// child (8 bytes), and the key is the least that can stand below that child.
//
// On the disk the free part is left out: a node image is the page up to the last offset, then the heap.

/// A view of one node's page; whoever uses it holds the lock of the pool that the page belongs to, or owns the page.
struct Node {
  static let size = 4096
  static let headerSize = 24
  static let entryOverhead = 18
  /// What one more entry costs besides its value: its key, its length and its offset.
  static let slotOverhead = entryOverhead + 2
  static let childEntrySize = slotOverhead + 8

  let base: UnsafeMutableRawPointer

  @inline(__always)
  init(_ base: UnsafeMutableRawPointer) { self.base = base }

  @inline(__always)
  private func load<Value: FixedWidthInteger>(_ offset: Int) -> Value {
    Value(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  @inline(__always)
  private func store<Value: FixedWidthInteger>(_ value: Value, _ offset: Int) {
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
  }

  var epoch: UInt64 {
    get { load(0) }
    nonmutating set { store(newValue, 0) }
  }

  var reference: NodeReference {
    get { NodeReference(packed: load(8)) }
    nonmutating set { store(newValue.packed, 8) }
  }

  @inline(__always) var level: Int { Int(load(16) as UInt16) }
  @inline(__always) var isLeaf: Bool { level == 0 }

  @inline(__always)
  private(set) var count: Int {
    get { Int(load(18) as UInt16) }
    nonmutating set { store(UInt16(newValue), 18) }
  }

  private(set) var heapStart: Int {
    get { Int(load(20) as UInt16) }
    nonmutating set { store(UInt16(newValue), 20) }
  }

  private(set) var garbage: Int {
    get { Int(load(22) as UInt16) }
    nonmutating set { store(UInt16(newValue), 22) }
  }

  func initialize(level: Int, epoch: UInt64, reference: NodeReference) {
    self.epoch = epoch
    self.reference = reference
    store(UInt16(level), 16)
    clear()
  }

  private func clear() {
    count = 0
    heapStart = Node.size
    garbage = 0
  }

  // MARK: Entries

  @inline(__always)
  func entryOffset(_ index: Int) -> Int { Int(load(Node.headerSize + 2 * index) as UInt16) }

  @inline(__always)
  func key(_ index: Int) -> TreeKey {
    let offset = entryOffset(index)
    return TreeKey(load(offset), load(offset + 8))
  }

  @inline(__always)
  func value(_ index: Int) -> UnsafeRawBufferPointer {
    let offset = entryOffset(index)
    return UnsafeRawBufferPointer(start: base + offset + Node.entryOverhead, count: Int(load(offset + 16) as UInt16))
  }

  @inline(__always)
  func child(_ index: Int) -> NodeReference { NodeReference(packed: load(entryOffset(index) + Node.entryOverhead)) }

  @inline(__always)
  func setChild(_ index: Int, _ child: NodeReference) { store(child.packed, entryOffset(index) + Node.entryOverhead) }

  /// Gives the first entry a lesser key.
  func lowerKey(_ index: Int, to key: TreeKey) {
    let offset = entryOffset(index)
    store(key.object, offset)
    store(key.item, offset + 8)
  }

  /// Puts a value of the same length in an entry's place.
  func overwrite(_ index: Int, _ value: UnsafeRawBufferPointer) {
    precondition(self.value(index).count == value.count, "the value has another length")
    guard let source = value.baseAddress else { return }
    (base + entryOffset(index) + Node.entryOverhead).copyMemory(from: source, byteCount: value.count)
  }

  /// The first index whose key is not less than `key`.
  @inline(__always)
  func lowerBound(_ key: TreeKey) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self.key(middle) < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The child below which `key` stands or would stand.
  @inline(__always)
  func childIndex(_ key: TreeKey) -> Int {
    let index = lowerBound(key)
    if index < count, self.key(index) == key { return index }
    return max(0, index - 1)
  }

  // MARK: Room

  /// Free bytes, also those between entries.
  var free: Int { heapStart - Node.headerSize - 2 * count + garbage }

  /// Bytes that entries and their offsets take.
  var used: Int { Node.size - Node.headerSize - free }

  func hasRoom(for valueCount: Int) -> Bool { free >= Node.slotOverhead + valueCount }

  var hasRoomForChild: Bool { free >= Node.childEntrySize }

  // MARK: Changes

  /// Puts an entry before the one at `index`; there must be room.
  func insert(_ key: TreeKey, _ value: UnsafeRawBufferPointer, at index: Int) {
    precondition(hasRoom(for: value.count), "the node is full")
    let size = Node.entryOverhead + value.count
    if heapStart - Node.headerSize - 2 * count < size + 2 { compact() }
    let start = heapStart - size
    store(key.object, start)
    store(key.item, start + 8)
    store(UInt16(value.count), start + 16)
    if let source = value.baseAddress {
      (base + start + Node.entryOverhead).copyMemory(from: source, byteCount: value.count)
    }
    let slot = base + Node.headerSize + 2 * index
    memmove(slot + 2, slot, 2 * (count - index))
    store(UInt16(start), Node.headerSize + 2 * index)
    heapStart = start
    count += 1
  }

  func insertChild(_ key: TreeKey, _ child: NodeReference, at index: Int) {
    withUnsafeBytes(of: child.packed.littleEndian) { insert(key, $0, at: index) }
  }

  func remove(_ range: Range<Int>) {
    for index in range { garbage += Node.entryOverhead + value(index).count }
    let slot = base + Node.headerSize
    memmove(slot + 2 * range.lowerBound, slot + 2 * range.upperBound, 2 * (count - range.upperBound))
    count -= range.count
    if count == 0 { clear() }
  }

  /// Moves the entries from `index` on to the end of another node.
  func move(from index: Int, to target: Node) {
    for position in index..<count { target.insert(key(position), value(position), at: target.count) }
    remove(index..<count)
  }

  /// Moves the entries together, so that all free bytes lie in one piece.
  private func compact() {
    withUnsafeTemporaryAllocation(byteCount: Node.size, alignment: 8) { copy in
      var start = Node.size
      for index in 0..<count {
        let offset = entryOffset(index)
        let size = Node.entryOverhead + value(index).count
        start -= size
        copy.baseAddress!.advanced(by: start).copyMemory(from: base + offset, byteCount: size)
        store(UInt16(start), Node.headerSize + 2 * index)
      }
      (base + start).copyMemory(from: copy.baseAddress! + start, byteCount: Node.size - start)
      heapStart = start
      garbage = 0
    }
  }
}
