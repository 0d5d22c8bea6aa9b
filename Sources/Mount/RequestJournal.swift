import Ledger
import Synchronization
public import SystemIO

// Requests that must not be carried out twice.
//
// A process that is killed between the append of a change and its answer leaves a request that the kernel sends again to the process
// that takes over. Most requests may be carried out once more. Changes of names may not: a rename that exchanges two files would
// exchange them back, and a mkdir would find its own directory.
//
// Layout. Memory that outlives the process (its supervisor has it too), zero at first: 32 bytes that begin with the LSN of the last record
// (LastRecord), then slots of 32 bytes, little-endian
//
//      0  connection  8   0: the slot is free
//      8  request     8   the kernel's number of the request
//     16  LSN         8   the record that the change becomes; 0: none yet
//     24  zero        8
//
// A slot is taken when a request begins, gets the LSN while the lock is held under which LSNs are given out, before the record is
// written, and is freed after the answer was sent. So after a kill a request has been carried out exactly where its slot names an
// LSN that recovery found in the ledger. It stays in its slot until it was answered, however many processes are killed meanwhile.
// A host that stops takes the connections along, and the memory with them.

/// Which requests have been carried out and not been answered, for the process that takes over from this one.
public final class RequestJournal: Sendable {
  /// In bytes. More slots than there are threads that serve requests.
  public static let size = (1 + slotCount) * Slot.size
  private static let slotCount = 4096

  private let memory: SharedMemory
  private let free: Mutex<[Slot]>
  private let unanswered: [UInt64: [UInt64: Slot]]

  /// Takes up what the process before has left.
  ///
  /// - Parameters:
  ///   - lastLSN: of the last record that recovery found.
  ///   - connections: the numbers of those that go on; numbers are never used again.
  public init(_ memory: SharedMemory, lastLSN: UInt64, connections: Set<UInt64>) {
    precondition(memory.bytes.count == Self.size, "the memory is not that of a journal")
    self.memory = memory
    var free: [Slot] = []
    var unanswered: [UInt64: [UInt64: Slot]] = [:]
    for index in 1...Self.slotCount {
      let slot = Slot(memory.bytes.baseAddress! + index * Slot.size)
      if connections.contains(slot.connection), slot.lsn > 0, slot.lsn <= lastLSN {
        unanswered[slot.connection, default: [:]][slot.request] = slot
      } else {
        slot.clear()
        free.append(slot)
      }
    }
    self.free = Mutex(free)
    self.unanswered = unanswered
  }

  /// How many requests the process before had carried out and not answered.
  public var unansweredCount: Int { unanswered.values.reduce(0) { $0 + $1.count } }

  /// The journal of one connection. To be asked for once.
  public func connection(_ number: UInt64) -> ConnectionJournal {
    ConnectionJournal(self, number, unanswered: unanswered[number] ?? [:])
  }

  fileprivate func take() -> Slot? { free.withLock { $0.popLast() } }

  fileprivate func giveBack(_ slot: Slot) {
    slot.clear()
    free.withLock { $0.append(slot) }
  }
}

/// One slot of the memory.
private struct Slot: @unchecked Sendable {
  static let size = 32
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  init(_ address: UnsafeMutableRawPointer) { words = address.bindMemory(to: Atomic<UInt64>.self, capacity: 4) }

  var connection: UInt64 {
    get { words[0].load(ordering: .acquiring) }
    nonmutating set { words[0].store(newValue, ordering: .releasing) }
  }

  var request: UInt64 {
    get { words[1].load(ordering: .acquiring) }
    nonmutating set { words[1].store(newValue, ordering: .releasing) }
  }

  var lsn: UInt64 {
    get { words[2].load(ordering: .acquiring) }
    nonmutating set { words[2].store(newValue, ordering: .releasing) }
  }

  func clear() {
    connection = 0
    lsn = 0
  }
}

/// The requests of one connection, by their numbers.
public final class ConnectionJournal: Sendable {
  private let journal: RequestJournal
  private let connection: UInt64
  /// What an earlier process carried out and did not answer.
  private let unanswered: Mutex<[UInt64: Slot]>

  fileprivate init(_ journal: RequestJournal, _ connection: UInt64, unanswered: [UInt64: Slot]) {
    self.journal = journal
    self.connection = connection
    self.unanswered = Mutex(unanswered)
  }

  /// Notes that a request begins to be carried out, in the order in which they were read.
  ///
  /// - Parameter isResent: whether it was sent before. Those come first, so when others come, nothing is left of them.
  /// - Returns: nil where there is no slot, so many are under way.
  func begin(_ request: UInt64, isResent: Bool) -> Execution? {
    let (found, stale) = unanswered.withLock { unanswered -> (Slot?, [Slot]) in
      if isResent { return (unanswered.removeValue(forKey: request), []) }
      defer { unanswered = [:] }
      return (nil, Array(unanswered.values))
    }
    for slot in stale { journal.giveBack(slot) }
    if let found { return Execution(journal, found, isRepeated: true) }
    guard let slot = journal.take() else { return nil }
    slot.request = request
    slot.connection = connection
    return Execution(journal, slot, isRepeated: false)
  }
}

/// A request that is being carried out.
final class Execution: AppendWitness {
  private let journal: RequestJournal
  private let slot: Slot
  /// The ledger has its change already: only the answer is missing.
  let isRepeated: Bool

  fileprivate init(_ journal: RequestJournal, _ slot: Slot, isRepeated: Bool) {
    self.journal = journal
    self.slot = slot
    self.isRepeated = isRepeated
  }

  func willAppend(_ lsn: UInt64) { slot.lsn = lsn }

  func isNotAppended() { slot.lsn = 0 }

  /// The kernel has its answer.
  func end() { journal.giveBack(slot) }
}
