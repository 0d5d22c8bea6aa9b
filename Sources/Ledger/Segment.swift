import Synchronization
import SystemIO

/// One segment file: where its slots are, and its open file. While it is open its slots are a table in memory; once it is
/// sealed they are read from its slot directory, chunk by chunk.
final class Segment: Sendable {
  let number: UInt32
  let header: SegmentHeader
  let file: any StorageFile
  private let contents: Mutex<Contents>
  private let nameIsDurable = Atomic(false)
  /// Where the records end, from before a slot directory is written there.
  private let recordsEnd = Atomic(UInt64.max)

  private enum Contents {
    case open([SlotEntry])
    case sealed(SegmentFooter, chunkChecksums: [UInt64])
  }

  /// A segment that is being written, or whose records were just read back.
  init(_ header: SegmentHeader, file: any StorageFile) {
    self.number = header.number
    self.header = header
    self.file = file
    self.contents = Mutex(.open([]))
  }

  private init(_ header: SegmentHeader, file: any StorageFile, _ footer: SegmentFooter, _ chunkChecksums: [UInt64]) {
    self.number = header.number
    self.header = header
    self.file = file
    self.contents = Mutex(.sealed(footer, chunkChecksums: chunkChecksums))
  }

  /// Opens a segment file. Without a valid footer the segment is open and has no slots yet.
  static func load(number: UInt32, file: any StorageFile) throws(LedgerError) -> Segment {
    let size = try onDisk { () throws(Errno) in try file.size() }
    guard size >= UInt64(SegmentHeader.size) else {
      throw .damaged("segment \(number): it ends within its header")
    }
    let headerBytes = try onDisk { () throws(Errno) in try file.readExactly(SegmentHeader.size, at: 0) }
    let header = try SegmentHeader.decode(headerBytes, expecting: number)
    guard size >= UInt64(SegmentHeader.size + SegmentFooter.size) else { return Segment(header, file: file) }
    let footerBytes = try onDisk { () throws(Errno) in
      try file.readExactly(SegmentFooter.size, at: size - UInt64(SegmentFooter.size))
    }
    guard let footer = SegmentFooter.decode(footerBytes, of: header, fileSize: size) else {
      return Segment(header, file: file)
    }
    return Segment(header, file: file, footer, try readChunkChecksums(footer, file))
  }

  static func readChunkChecksums(
    _ footer: SegmentFooter, _ file: any StorageFile
  ) throws(LedgerError) -> [UInt64] {
    let slots = Int(footer.slotCount)
    let offset = footer.directoryOffset + UInt64(slots * SlotEntry.encodedSize)
    let bytes = try onDisk { () throws(Errno) in
      try file.readExactly(SlotDirectory.chunkCount(slots: slots) * 8, at: offset)
    }
    guard checksum(bytes) == footer.directoryChecksum else {
      throw .damaged("segment \(footer.number): its slot directory is damaged")
    }
    return bytes.withUnsafeBytes { buffer in
      stride(from: 0, to: buffer.count, by: 8).map {
        UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
      }
    }
  }

  /// Whether the file's name was flushed since this process made it.
  var isNameDurable: Bool { nameIsDurable.load(ordering: .acquiring) }

  func markNameDurable() { nameIsDurable.store(true, ordering: .releasing) }

  /// Whether no record stands at a place or behind it: the slot directory does, or is about to.
  func endsRecords(before offset: UInt64) -> Bool {
    offset >= recordsEnd.load(ordering: .acquiring) || footer.map { offset >= $0.contentEnd } ?? false
  }

  var footer: SegmentFooter? {
    contents.withLock { contents in
      if case .sealed(let footer, _) = contents { footer } else { nil }
    }
  }

  var slotCount: Int {
    contents.withLock { contents in
      switch contents {
      case .open(let slots): slots.count
      case .sealed(let footer, _): Int(footer.slotCount)
      }
    }
  }

  /// Adds the slots of one record to an open segment.
  func append(_ entries: [SlotEntry]) {
    contents.withLock { contents in
      guard case .open(var slots) = contents else { preconditionFailure("a sealed segment takes no slots") }
      contents = .open([])
      slots.append(contentsOf: entries)
      contents = .open(slots)
    }
  }

  /// The slots of an open segment among `range`; nil for a sealed one.
  func openSlots(_ range: Range<Int>) -> [SlotEntry]? {
    contents.withLock { contents in
      guard case .open(let slots) = contents else { return nil }
      return Array(slots[range.clamped(to: 0..<slots.count)])
    }
  }

  /// Reads one chunk of a sealed segment's slot directory.
  func readChunk(_ chunk: Int, mayBlock: Bool) throws(LedgerError) -> [SlotEntry] {
    let place: (offset: UInt64, count: Int, checksum: UInt64)? = contents.withLock { contents in
      guard case .sealed(let footer, let checksums) = contents, chunk < checksums.count else { return nil }
      let first = chunk * SlotDirectory.chunkSlots
      let count = min(SlotDirectory.chunkSlots, Int(footer.slotCount) - first)
      return (
        footer.directoryOffset + UInt64(first * SlotEntry.encodedSize), count * SlotEntry.encodedSize, checksums[chunk]
      )
    }
    guard let place else { throw .damaged("segment \(number): it has no slot \(chunk * SlotDirectory.chunkSlots)") }
    let bytes = try onDisk { () throws(Errno) in
      try file.readExactly(place.count, at: place.offset, mayBlock: mayBlock)
    }
    do throws(DecodingFailure) {
      return try SlotDirectory.decodeChunk(bytes, checksum: place.checksum)
    } catch {
      throw .damaged("segment \(number): \(error)")
    }
  }

  /// Writes the slot directory and the footer behind the content, durably. After that the slots are read from the file.
  ///
  /// A footer proves that what it closes is durable, so a ledger segment's content must be flushed before, and the directory is flushed
  /// before the footer is written: a crash could leave the one without the other.
  func seal(contentEnd: UInt64, lastLSN: UInt64, lastChecksum: UInt64) throws(LedgerError) {
    let slots = contents.withLock { contents in
      guard case .open(let slots) = contents else { preconditionFailure("a segment is sealed once") }
      return slots
    }
    recordsEnd.store(contentEnd, ordering: .releasing)
    let directory = SlotDirectory.encode(slots)
    let footer = SegmentFooter(
      number: number, slotCount: UInt32(slots.count), contentEnd: contentEnd, directoryOffset: contentEnd,
      lastLSN: lastLSN, lastChecksum: lastChecksum, directoryChecksum: directory.checksum)
    let end = footer.encoded(salt: header.salt)
    let endOffset = contentEnd + UInt64(directory.bytes.count)
    do throws(Errno) {
      try file.write(directory.bytes, at: contentEnd)
      try file.truncate(to: endOffset + UInt64(end.count))
      try file.synchronize()
      try file.write(end, at: endOffset)
      try file.synchronize()
    } catch {
      // On a full disk the segment stays open, and a part of a directory would only take space. Where it stays it harms nothing.
      if error == .noSpace { try? file.truncate(to: contentEnd) }
      throw .storage(error)
    }
    let checksums = try Self.readChunkChecksums(footer, file)
    contents.withLock { $0 = .sealed(footer, chunkChecksums: checksums) }
  }
}
