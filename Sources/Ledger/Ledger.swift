import Synchronization
public import SystemIO

/// Sizes that a store is made with or run with.
public struct LedgerOptions: Sendable {
  /// A segment is closed when it has reached this many bytes.
  public var segmentSize: UInt64 = 64 << 20
  /// How many blocks the table of duplicates remembers, at 16 bytes each; a power of two.
  public var hintCapacity = 1 << 20
  /// How far ahead of its end a segment's space is reserved: new records never meet a full disk halfway.
  public var allocationStep: UInt64 = 4 << 20
  /// How far ahead of the end zeros are written where small appends are flushed one by one; 0 for not at all.
  public var zeroedAhead: UInt64 = 256 << 10
  /// Told the LSN of each record, one after the other, when it has been appended.
  public var onAppend: (@Sendable (UInt64) -> Void)?
  /// Asked where a record that frees space finds the disk full: gives back space that was kept for that, and returns whether there was any.
  /// The end of the ledger is locked meanwhile.
  public var releaseReserve: (@Sendable () -> Bool)?
  /// Told once when the ledger stops, and why (`Ledger.stop`).
  public var onStop: (@Sendable (Errno) -> Void)?
  package var sabotage: Sabotage?

  public init() {}
}

/// A place between two records, from which the records behind it can be read.
public struct LedgerPosition: Equatable, Sendable {
  public var segment: UInt32
  public var offset: UInt64
  /// The LSN of the next record.
  public var nextLSN: UInt64
  /// The checksum of the record before.
  public var previousChecksum: UInt64

  /// Where the first record of a new store will stand.
  public static let start = LedgerPosition(segment: 1, offset: 4096, nextLSN: 1, previousChecksum: 0)

  public init(segment: UInt32, offset: UInt64, nextLSN: UInt64, previousChecksum: UInt64) {
    self.segment = segment
    self.offset = offset
    self.nextLSN = nextLSN
    self.previousChecksum = previousChecksum
  }
}

/// The append-only sequence of every mutation of every fork, in one total order, with the blocks that the mutations
/// brought.
///
/// Invariants: LSNs are dense; a record is on its way to the disk (in the host's page cache) before `append` returns,
/// so killing the process loses nothing; `flush` returns only when all records up to an LSN are durable; after a
/// failed flush nothing is acknowledged any more. After a crash the ledger is one prefix of what was appended, and it
/// holds everything that was flushed (see Ledger+Recovery).
public final class Ledger: Sendable {
  public let segments: SegmentSet
  let storage: any Storage
  let options: LedgerOptions
  let hints: HintTable
  let scratch = ScratchPool()
  let appender: Mutex<Appender>
  let flusher: Monitor<Flusher>
  let collection = Mutex(CollectionState())

  /// The end of the ledger, where the next record goes.
  struct Appender {
    var position: LedgerPosition
    /// Nil until the first record needs one.
    var segment: Segment?
    /// The segment's file is reserved up to here.
    var allocated: UInt64 = 0
    /// The number that the next segment gets; numbers are never used twice.
    var nextSegment: UInt32
    /// Segments that hold records or names that may not be durable yet, oldest first.
    var unflushed: [UnflushedSegment] = []
    /// Write-back was started up to here in the current segment.
    var writebackStarted: UInt64 = 0
    /// The end at the last flush.
    var flushed: (segment: UInt32, offset: UInt64) = (0, 0)
    /// Zeros were written up to here.
    var zeroed: (segment: UInt32, offset: UInt64) = (0, 0)
    var failure: Errno?
  }

  struct UnflushedSegment {
    let segment: Segment
    /// Where its records end, once the next segment was begun.
    var end: LedgerPosition?
  }

  struct Flusher {
    var durableLSN: UInt64
    var isFlushing = false
    var failure: Errno?
  }

  /// Takes up the ledger at its end, as recovery found it.
  ///
  /// - Parameter unsealed: segments for whose slot directories a full disk had no room.
  init(
    _ storage: any Storage, _ segments: SegmentSet, _ options: LedgerOptions, end: LedgerPosition, nextSegment: UInt32,
    unsealed: [UnflushedSegment]
  ) {
    self.storage = storage
    self.segments = segments
    self.options = options
    self.hints = HintTable(capacity: options.hintCapacity)
    self.appender = Mutex(Appender(position: end, nextSegment: nextSegment, unflushed: unsealed))
    self.flusher = Monitor(Flusher(durableLSN: end.nextLSN - 1))
  }

  /// The LSN of the last record.
  public var lastLSN: UInt64 { position.nextLSN - 1 }

  /// Where the next record goes.
  public var position: LedgerPosition { appender.withLock { $0.position } }

  /// The number of the next segment: every record from now on is in this segment or a later one, or in the current one.
  public var nextSegment: UInt32 { appender.withLock { $0.nextSegment } }
}

extension Ledger {
  /// About how many bytes were appended since a position.
  public func bytes(since start: LedgerPosition) -> UInt64 {
    let end = position
    let total = UInt64(end.segment - start.segment) * options.segmentSize + end.offset
    return total - min(total, start.offset)
  }
}
