import Synchronization
import SystemIO

// The pool holds nodes in frames: pages in slabs of raw memory, numbered, found by their reference through an open-addressing table.
//
// A node is *dirty* from its birth until a checkpoint has written it, and dirty nodes stay. A *clean* node can be read back, so its
// frame is given to another when the pool is full; a clock picks one that was not used lately.
//
// One lock guards all of it. Look-ups hold it for reading, changes for writing, and nobody waits for the disk while holding it to read: a
// look-up that meets a node that is not in memory lets go, reads the node, and starts again.

/// The nodes of all trees of a store that are in memory, and the numbering of new ones.
public final class NodePool: @unchecked Sendable {
  private static let slabFrames = 256
  /// How often a look-up starts again before it keeps everybody else out; a few times the depth of a tree.
  private static let patience = 24

  private let lock = ReadWriteLock()
  private let source: any NodeSource
  /// How many clean nodes are kept at the most.
  private let cleanCapacity: Int

  private var slabs: [UnsafeMutableRawPointer] = []
  private var references: [NodeReference] = []
  /// Set at each use, cleared by the clock. Readers set it together, hence atomic.
  private var recentlyUsed: [UnsafeMutablePointer<Atomic<Bool>>] = []
  private var dirty: [Bool] = []
  private var freeFrames: [Int] = []
  private var table = FrameTable()
  private var clockHand = 0
  private var cleanCount = 0
  private var writerHoldsLock = false

  private var generation: UInt32
  private var nextSlot: UInt32 = 0

  /// How many nodes wait to be written.
  public var dirtyCount: Int { lock.withReading { references.count - freeFrames.count - cleanCount } }

  /// - Parameters:
  ///   - generation: the first generation that new nodes are born in; nodes of it were never written.
  ///   - cleanCapacity: how many clean nodes of 4 KiB are kept in memory.
  public init(_ source: any NodeSource, generation: UInt32, cleanCapacity: Int) {
    precondition(generation > 0, "generations count from 1")
    self.source = source
    self.generation = generation
    self.cleanCapacity = max(64, cleanCapacity)
  }

  deinit {
    for slab in slabs { slab.deallocate() }
    for flags in recentlyUsed { flags.deallocate() }
  }

  // MARK: Access

  /// Runs look-ups. What they ask for and is not in memory is read in between, and `body` starts again from its beginning, so
  /// it must not keep results of a run that was given up.
  ///
  /// - Parameter mayBlock: without it, `wouldBlock` is thrown where the disk would have to be waited for.
  public func reading<Result>(
    mayBlock: Bool = true, _ body: () throws(TreeError) -> Result
  ) throws(TreeError) -> Result {
    var missing: NodeReference?
    for _ in 0..<Self.patience {
      do throws(TreeError) {
        return try lock.withReading(body)
      } catch .notResident(let reference) {
        do throws(TreeError) { try load(reference, mayBlock: mayBlock) } catch {
          if case .wouldBlock = error { throw error }
          // The root that led to it may be replaced by now, and a collection may have taken it. What is asked for again is damaged.
          if missing == reference { throw error }
          missing = reference
        }
      } catch {
        throw error
      }
    }
    guard mayBlock else { throw .wouldBlock }
    // What needs so many nodes could push out its first ones before it has its last, and never end.
    return try writing(body)
  }

  /// Runs changes. A node that is not in memory is read on the spot, with the lock held: who changes a tree has looked at the same
  /// place just before, so this is rare.
  public func writing<Result>(_ body: () throws(TreeError) -> Result) throws(TreeError) -> Result {
    try lock.withWriting { () throws(TreeError) in
      writerHoldsLock = true
      defer {
        writerHoldsLock = false
        // Only now: while the body ran, it held pages that must not be given to others.
        while cleanCount > cleanCapacity { evictOne() }
      }
      return try body()
    }
  }

  /// Holds the lock for what looks at no node, and so cannot fail: the roots of trees, which it guards too.
  public func readingRoots<Result>(_ body: () -> Result) -> Result { lock.withReading(body) }

  /// Holds the lock for changes of roots alone.
  public func changingRoots<Result>(_ body: () -> Result) -> Result { lock.withWriting(body) }

  /// The node with a reference, by its frame. The lock is held.
  @inline(__always)
  func node(_ reference: NodeReference) throws(TreeError) -> Node {
    if let frame = table.find(reference, references) {
      flag(frame).pointee.store(true, ordering: .relaxed)
      return page(frame)
    }
    guard writerHoldsLock else { throw .notResident(reference) }
    let page = try readPage(reference, mayBlock: true)
    defer { page.deallocate() }
    return insertClean(reference, page)
  }

  /// The child of an inner node. What is on the disk may lead in a circle, or to the same node again and again: a level or
  /// bounds that do not fit end the way. The first child may hold lesser keys than its parent says, in stores of old.
  @inline(__always)
  func child(_ index: Int, of parent: Node) throws(TreeError) -> Node {
    let child = try node(parent.child(index))
    guard child.level == parent.level - 1, index == 0 || child.key(0) >= parent.key(index),
      index + 1 == parent.count || child.key(child.count - 1) < parent.key(index + 1)
    else { throw .damaged("node \(parent.reference): its child \(child.reference) belongs elsewhere") }
    return child
  }

  /// Copies a node into a page of the caller's: for walks over many nodes, which would push out what is in use. The lock is not held.
  func copyNode(_ reference: NodeReference, into target: UnsafeMutableRawPointer) throws(TreeError) {
    let found = lock.withReading {
      guard let frame = table.find(reference, references) else { return false }
      target.copyMemory(from: page(frame).base, byteCount: Node.size)
      return true
    }
    if !found { try read(reference, into: target, mayBlock: true) }
  }

  // MARK: Births and deaths (the lock is held for writing)

  /// A new node, which is dirty.
  func makeNode(level: Int, epoch: UInt64) -> Node {
    let node = placeNewNode()
    node.initialize(level: level, epoch: epoch, reference: node.reference)
    return node
  }

  /// A copy of a node under a new reference, owned by `epoch`.
  func copy(_ original: Node, epoch: UInt64) -> Node {
    let node = placeNewNode()
    let reference = node.reference
    node.base.copyMemory(from: original.base, byteCount: Node.size)
    node.reference = reference
    node.epoch = epoch
    return node
  }

  /// Gives back the frame of a dirty node that nothing refers to any more.
  func discard(_ reference: NodeReference) {
    guard let frame = table.find(reference, references) else {
      preconditionFailure("a node that is discarded was never written")
    }
    precondition(dirty[frame], "a written node is not discarded")
    release(frame)
  }

  private func placeNewNode() -> Node {
    precondition(nextSlot < .max, "a generation has run out of node numbers")
    let reference = NodeReference(generation: generation, slot: nextSlot)
    nextSlot += 1
    let frame = takeFrame()
    occupy(frame, reference, dirty: true)
    let node = page(frame)
    node.reference = reference
    return node
  }

  // MARK: Checkpoints

  /// Ends a generation: nodes born from now on belong to the next. Returns the generation that ended and how many were born in it. No
  /// change may be under way, and every tree that owns dirty nodes gets a new epoch before its next change.
  public func endGeneration() -> (generation: UInt32, births: UInt32) {
    lock.withWriting {
      defer {
        generation += 1
        nextSlot = 0
      }
      return (generation, nextSlot)
    }
  }

  /// The generation that new nodes are born in.
  public var currentGeneration: UInt32 { lock.withReading { generation } }

  /// Takes note that a checkpoint is durable: the nodes that it wrote are clean now, and the other dirty nodes of its generation, or of
  /// an older one, are dead. `wasWritten` tells which.
  public func finishGeneration(_ ended: UInt32, wasWritten: (NodeReference) -> Bool) {
    lock.withWriting {
      for frame in references.indices where dirty[frame] && references[frame].generation <= ended {
        guard references[frame] != .none else { continue }
        if wasWritten(references[frame]) {
          dirty[frame] = false
          cleanCount += 1
        } else {
          release(frame)
        }
      }
      while cleanCount > cleanCapacity { evictOne() }
    }
  }

  // MARK: Frames

  @inline(__always)
  private func page(_ frame: Int) -> Node {
    Node(slabs[frame / Self.slabFrames] + frame % Self.slabFrames * Node.size)
  }

  @inline(__always)
  private func flag(_ frame: Int) -> UnsafeMutablePointer<Atomic<Bool>> {
    recentlyUsed[frame / Self.slabFrames] + frame % Self.slabFrames
  }

  private func load(_ reference: NodeReference, mayBlock: Bool) throws(TreeError) {
    let page = try readPage(reference, mayBlock: mayBlock)
    defer { page.deallocate() }
    lock.withWriting {
      guard table.find(reference, references) == nil else { return }
      if cleanCount >= cleanCapacity { evictOne() }
      _ = insertClean(reference, page)
    }
  }

  private func readPage(_ reference: NodeReference, mayBlock: Bool) throws(TreeError) -> UnsafeMutableRawPointer {
    let page = UnsafeMutableRawPointer.allocate(byteCount: Node.size, alignment: 8)
    do throws(TreeError) { try read(reference, into: page, mayBlock: mayBlock) } catch {
      page.deallocate()
      throw error
    }
    return page
  }

  private func read(
    _ reference: NodeReference, into page: UnsafeMutableRawPointer, mayBlock: Bool
  ) throws(TreeError) {
    page.initializeMemory(as: UInt8.self, repeating: 0, count: Node.size)
    let target = UnsafeMutableRawBufferPointer(start: page, count: Node.size)
    let length = try source.readNode(reference, into: target, mayBlock: mayBlock)
    try Node(page).expand(length: length, expecting: reference)
  }

  private func insertClean(_ reference: NodeReference, _ bytes: UnsafeMutableRawPointer) -> Node {
    let frame = takeFrame()
    occupy(frame, reference, dirty: false)
    cleanCount += 1
    page(frame).base.copyMemory(from: bytes, byteCount: Node.size)
    return page(frame)
  }

  private func occupy(_ frame: Int, _ reference: NodeReference, dirty isDirty: Bool) {
    references[frame] = reference
    dirty[frame] = isDirty
    flag(frame).pointee.store(true, ordering: .relaxed)
    table.insert(frame, references)
  }

  private func release(_ frame: Int) {
    table.remove(references[frame], references)
    if !dirty[frame] { cleanCount -= 1 }
    references[frame] = .none
    dirty[frame] = false
    freeFrames.append(frame)
  }

  private func evictOne() {
    while true {
      let frame = clockHand
      clockHand = (clockHand + 1) % references.count
      guard references[frame] != .none, !dirty[frame] else { continue }
      if flag(frame).pointee.exchange(false, ordering: .relaxed) { continue }
      release(frame)
      return
    }
  }

  private func takeFrame() -> Int {
    if let frame = freeFrames.popLast() { return frame }
    slabs.append(.allocate(byteCount: Self.slabFrames * Node.size, alignment: 4096))
    let flags = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: Self.slabFrames)
    for index in 0..<Self.slabFrames { (flags + index).initialize(to: Atomic(false)) }
    recentlyUsed.append(flags)
    let first = references.count
    references.append(contentsOf: repeatElement(.none, count: Self.slabFrames))
    dirty.append(contentsOf: repeatElement(false, count: Self.slabFrames))
    freeFrames.append(contentsOf: (first + 1..<references.count).reversed())
    return first
  }
}
