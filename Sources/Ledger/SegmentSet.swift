import Synchronization
public import SystemIO

/// The segment files of one directory of the store: `ledger` or `index`. It names and opens them, finds slots and
/// reads them.
///
/// A read takes its segment from the table and holds on to it, so a segment that collection removes meanwhile stays
/// readable to that read: its file has lost its name only.
public final class SegmentSet: Sendable {
  /// The directory's path in the storage.
  public let directory: String
  private let storage: any Storage
  private let segments = Mutex<[UInt32: Segment]>([:])
  private let chunks = SlotChunkCache()

  public init(_ storage: any Storage, directory: String) {
    self.storage = storage
    self.directory = directory
  }

  private func path(_ number: UInt32) -> String {
    let digits = String(number)
    return directory + "/" + String(repeating: "0", count: 10 - digits.count) + digits
  }

  /// The numbers of the segment files that exist, in rising order.
  public func numbers() throws(LedgerError) -> [UInt32] {
    try onDisk { () throws(Errno) in try storage.list(directory) }.compactMap { UInt32($0) }.sorted()
  }

  /// The segment with a number, opened where it is not open yet.
  func segment(_ number: UInt32) throws(LedgerError) -> Segment {
    if let segment = segments.withLock({ $0[number] }) { return segment }
    let path = path(number)
    let file: any StorageFile
    do throws(Errno) {
      file = try storage.open(path, .readingAndWriting)
    } catch {
      if error == .noSuchFile { throw .damaged("segment \(directory)/\(number) is missing") }
      throw .storage(error)
    }
    let loaded = try Segment.load(number: number, file: file)
    return segments.withLock { segments in
      if let other = segments[number] { return other }
      segments[number] = loaded
      return loaded
    }
  }

  /// The file of a segment, whatever it holds.
  func file(_ number: UInt32) throws(LedgerError) -> any StorageFile {
    let path = path(number)
    return try onDisk { () throws(Errno) in try storage.open(path, .readingAndWriting) }
  }

  /// The segment with a number as the disk has it. Whoever had it before may have failed to flush it, so what is in the host's memory proves
  /// nothing. What was sealed had been flushed.
  func segmentFromDisk(_ number: UInt32) throws(LedgerError) -> Segment {
    let path = path(number)
    do throws(LedgerError) {
      let segment = try segment(number)
      if segment.footer != nil { return segment }
    } catch .damaged {
      // Perhaps for want of a header that was never written; that is told below.
    }
    segments.withLock { _ = $0.removeValue(forKey: number) }
    try onDisk { () throws(Errno) in
      try storage.open(path, .readingAndWriting).synchronizeAndDropCache()
    }
    return try segment(number)
  }

  /// Whether the header of a segment file was never written, or is lost altogether.
  func hasNoHeader(_ number: UInt32) throws(LedgerError) -> Bool {
    let path = path(number)
    return try onDisk { () throws(Errno) in
      let file = try storage.open(path, .reading)
      guard try file.size() >= UInt64(SegmentHeader.size) else { return true }
      return try file.readExactly(SegmentHeader.size, at: 0).allSatisfy { $0 == 0 }
    }
  }

  /// Makes a segment file with its header. Its name and its header are durable only after a flush of both. After an error a part of it may
  /// be there.
  func create(_ header: SegmentHeader) throws(LedgerError) -> Segment {
    let path = path(header.number)
    let file = try onDisk { () throws(Errno) in
      let file = try storage.open(path, .creating)
      try file.write(header.encoded(), at: 0)
      return file
    }
    let segment = Segment(header, file: file)
    segments.withLock { $0[header.number] = segment }
    return segment
  }

  /// Makes the names of the segment files durable.
  public func synchronizeNames() throws(LedgerError) {
    try onDisk { () throws(Errno) in try storage.synchronizeDirectory(directory) }
  }

  /// Removes a segment file and forgets it.
  public func remove(_ number: UInt32) throws(LedgerError) {
    segments.withLock { _ = $0.removeValue(forKey: number) }
    let path = path(number)
    try onDisk { () throws(Errno) in try storage.remove(path) }
  }

  /// Removes what an attempt to write a segment left; returns whether there was something.
  @discardableResult
  public func removeIfPresent(_ number: UInt32) throws(LedgerError) -> Bool {
    do throws(LedgerError) { try remove(number) } catch .storage(.noSuchFile) {
      return false
    } catch {
      throw error
    }
    return true
  }

  /// The size of a segment's file in bytes.
  public func size(_ number: UInt32) throws(LedgerError) -> UInt64 {
    let file = try segment(number).file
    return try onDisk { () throws(Errno) in try file.size() }
  }

  /// How many slots a segment has, used or not.
  public func slotCount(_ number: UInt32) throws(LedgerError) -> Int { try segment(number).slotCount }

  /// The entries of `count` consecutive slots.
  func entries(_ first: BlockReference, count: Int, mayBlock: Bool) throws(LedgerError) -> [SlotEntry] {
    let segment = try segment(first.segment)
    let range = Int(first.slot)..<Int(first.slot) + count
    if let entries = segment.openSlots(range) {
      guard entries.count == count else { throw .damaged("block \(first): there is no such slot") }
      return entries
    }
    var entries: [SlotEntry] = []
    entries.reserveCapacity(count)
    var slot = range.lowerBound
    while slot < range.upperBound {
      let number = slot / SlotDirectory.chunkSlots
      let chunk = try chunk(number, of: segment, mayBlock: mayBlock)
      let start = slot % SlotDirectory.chunkSlots
      let end = min(chunk.count, start + range.upperBound - slot)
      guard start < end else { throw .damaged("block \(first): there is no such slot") }
      entries.append(contentsOf: chunk[start..<end])
      slot += end - start
    }
    return entries
  }

  /// Reads the stored bytes of one slot that holds them uncompressed, verified, and returns how many they are.
  public func readSlot(
    _ slot: BlockReference, into target: UnsafeMutableRawBufferPointer, mayBlock: Bool
  ) throws(LedgerError) -> Int {
    let entry = try entries(slot, count: 1, mayBlock: mayBlock)[0]
    let file = try segment(slot.segment).file
    let length = Int(entry.length)
    guard length > 0, length <= target.count else { throw .damaged("slot \(slot) of \(directory) is empty") }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: target[..<length])
    let read = try onDisk { () throws(Errno) in try file.read(into: bytes, at: entry.offset, mayBlock: mayBlock) }
    guard read == length, Digest(of: UnsafeRawBufferPointer(bytes)) == entry.digest else {
      throw .damaged("slot \(slot) of \(directory): its bytes do not match its digest")
    }
    return length
  }

  private func chunk(_ number: Int, of segment: Segment, mayBlock: Bool) throws(LedgerError) -> [SlotEntry] {
    if let chunk = chunks.find(segment.number, number) { return chunk }
    let chunk = try segment.readChunk(number, mayBlock: mayBlock)
    chunks.insert(segment.number, number, chunk)
    return chunk
  }
}
