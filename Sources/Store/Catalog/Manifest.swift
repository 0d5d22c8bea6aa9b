import Ledger
import SystemIO
import Tree

// A manifest names one durable checkpoint: everything before its position in the ledger is in the trees that its
// catalog names. It is a file of its own, `manifest/NNNNNNNNNN`, written under another name, flushed and then
// renamed, after everything it refers to was flushed. The newest valid one counts. One older is kept until a
// collection frees what only that one refers to.
//
// One that is newer and damaged may be repaired later, and counts again then: it is of the same ledger, and what was
// appended since is replayed behind it. So what only that one refers to stays, its generations are not used again, and
// the next manifest gets a higher number. Once that is durable the damaged one is removed.
//
//   0   magic "TINEMANI" u64      8   version u32             12  segment u32
//   16  offset u64                24  next LSN u64            32  previous checksum u64
//   40  next segment u32          44  next generation u32     48  next epoch u64
//   56  next inode u64            64  catalog root u64        72  time u64, ns since 1970
//   80  checksum u64 of everything before

/// A checkpoint, as recovery needs it.
struct Manifest {
  static let magic: UInt64 = 0x494e_414d_454e_4954  // "TINEMANI"
  static let version: UInt32 = 1
  static let size = 88

  var position: LedgerPosition
  var nextSegment: UInt32
  var nextGeneration: UInt32
  var nextEpoch: UInt64
  var nextInode: UInt64
  var catalogRoot: NodeReference
  var time: UInt64

  static let initial = Manifest(
    position: .start, nextSegment: 1, nextGeneration: 1, nextEpoch: 1, nextInode: 2, catalogRoot: .none, time: 0)

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.integer(Self.magic)
    writer.integer(Self.version)
    writer.integer(position.segment)
    writer.integer(position.offset)
    writer.integer(position.nextLSN)
    writer.integer(position.previousChecksum)
    writer.integer(nextSegment)
    writer.integer(nextGeneration)
    writer.integer(nextEpoch)
    writer.integer(nextInode)
    writer.integer(catalogRoot.packed)
    writer.integer(time)
    writer.integer(checksum(writer.bytes))
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8]) throws(DecodingFailure) -> Manifest {
    try bytes.withUnsafeBytesTyped { (buffer) throws(DecodingFailure) in
      guard buffer.count == size, checksum(UnsafeRawBufferPointer(rebasing: buffer[..<(size - 8)])) == buffer.seal
      else {
        throw DecodingFailure("its checksum is wrong")
      }
      var reader = ByteReader(buffer)
      guard try reader.integer() == magic, try reader.integer() == version else {
        throw DecodingFailure("it is of another kind or version")
      }
      let position = LedgerPosition(
        segment: try reader.integer(), offset: try reader.integer(), nextLSN: try reader.integer(),
        previousChecksum: try reader.integer())
      let manifest = Manifest(
        position: position, nextSegment: try reader.integer(), nextGeneration: try reader.integer(),
        nextEpoch: try reader.integer(), nextInode: try reader.integer(),
        catalogRoot: NodeReference(packed: try reader.integer()), time: try reader.integer())
      guard manifest.isPossible else { throw DecodingFailure("its numbers are impossible") }
      return manifest
    }
  }

  /// No number that is given one by one gets there, so counting on never overflows.
  static let highestNumber: UInt64 = 1 << 62
  /// The same for segments of the ledger and of the index.
  static let highestSegment: UInt32 = 1 << 31

  private var isPossible: Bool {
    position.segment > 0 && position.offset >= LedgerPosition.start.offset
      && position.nextLSN > 0 && nextInode > 1
      && [nextSegment, nextGeneration].allSatisfy { (1...Self.highestSegment).contains($0) }
      && [position.offset, position.nextLSN, nextEpoch, nextInode].allSatisfy { $0 < Self.highestNumber }
      && catalogRoot.generation < nextGeneration
  }
}

extension Manifest {
  /// The version of a sound manifest that a later version of Tine wrote: the one before it must not be taken in its place.
  static func newerVersion(_ bytes: [UInt8]) -> UInt32? {
    bytes.withUnsafeBytes { buffer in
      guard buffer.count > 20, checksum(UnsafeRawBufferPointer(rebasing: buffer[..<(buffer.count - 8)])) == buffer.seal
      else { return nil }
      var reader = ByteReader(buffer)
      guard (try? reader.integer(as: UInt64.self)) == magic, let version: UInt32 = try? reader.integer() else {
        return nil
      }
      return version > Self.version ? version : nil
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var seal: UInt64 { UInt64(littleEndian: loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)) }
}

/// The manifest that counts, and what is known of newer ones.
struct NewestManifest {
  let number: UInt32
  let manifest: Manifest
  /// The highest number that any has.
  let highest: UInt32
  /// How many newer ones there are, all of them damaged.
  let damaged: Int
}

/// The manifests of a store, by their numbers.
struct ManifestFiles {
  static let directory = "manifest"
  let storage: any Storage

  private func path(_ number: UInt32) -> String {
    let digits = String(number)
    return Self.directory + "/" + String(repeating: "0", count: 10 - digits.count) + digits
  }

  private func numbers() throws(Errno) -> [UInt32] {
    try storage.list(Self.directory).compactMap { UInt32($0) }.sorted()
  }

  /// The valid manifests, newest first.
  func valid() throws(StoreError) -> [Manifest] {
    var valid: [Manifest] = []
    for number in try storing("read the manifests", { () throws(Errno) in try numbers() }).reversed() {
      if let manifest = try? Self.decode(try read(number)) { valid.append(manifest) }
    }
    return valid
  }

  /// Puts flipped bits right.
  ///
  /// - Parameter note: is told the number of each manifest that had one.
  func correctFlippedBits(_ note: (UInt32) -> Void) throws(StoreError) {
    try storing("repair the manifests") { () throws(Errno) in
      for number in try numbers() {
        let file = try storage.open(path(number), .readingAndWriting)
        guard try file.size() == UInt64(Manifest.size) else { continue }
        let isValid: (UnsafeRawBufferPointer) -> Bool = { (try? Manifest.decode([UInt8]($0))) != nil }
        guard let bytes = try file.readable(Manifest.size, at: 0), !bytes.withUnsafeBytes(isValid),
          try file.correctFlippedBit(at: 0, count: Manifest.size, isValid)
        else { continue }
        note(number)
      }
    }
  }

  /// The bytes of a manifest; nil where the disk cannot read them.
  private func read(_ number: UInt32) throws(StoreError) -> [UInt8]? {
    try storing("read the manifest") { () throws(Errno) in
      let file = try storage.open(path(number), .reading)
      return try file.readable(Int(min(try file.size(), 4096)), at: 0)
    }
  }

  private static func decode(_ bytes: [UInt8]?) throws(DecodingFailure) -> Manifest {
    guard let bytes else { throw DecodingFailure("it can't be read") }
    return try Manifest.decode(bytes)
  }

  /// The newest valid manifest. A new store has one too: without any, the ledger alone would be taken for the whole
  /// store, when a collection may have removed its later segments.
  func newest() throws(StoreError) -> NewestManifest {
    let numbers = try storing("read the manifest") { () throws(Errno) in try self.numbers() }
    guard numbers.last ?? 0 < Manifest.highestSegment else {
      throw StoreError(damage: "there is no number left for manifests")
    }
    var problem = "there is none"
    for (damaged, number) in numbers.reversed().enumerated() {
      let bytes = try read(number)
      if let version = bytes.flatMap(Manifest.newerVersion) { throw StoreError(newerFormat: version) }
      do throws(DecodingFailure) {
        let manifest = try Self.decode(bytes)
        return NewestManifest(number: number, manifest: manifest, highest: numbers.last ?? number, damaged: damaged)
      } catch {
        problem = "\(error)"
      }
    }
    throw StoreError(damage: "no manifest is valid: \(problem)")
  }

  /// The manifests that are not valid, and why.
  func damaged() throws(StoreError) -> [(number: UInt32, reason: DecodingFailure)] {
    var damaged: [(UInt32, DecodingFailure)] = []
    for number in try storing("read the manifests", { () throws(Errno) in try numbers() }) {
      let bytes = try read(number)
      do throws(DecodingFailure) { _ = try Self.decode(bytes) } catch { damaged.append((number, error)) }
    }
    return damaged
  }

  /// The same for a person, where the manifest with a number counts.
  func problems(counting number: UInt32) throws(StoreError) -> [CheckProblem] {
    try damaged().map { other, reason in
      let meaning =
        other > number
        ? "manifest \(number) counts in its place, and the ledger behind that was replayed"
        : "it would be needed only if the newer one were damaged too"
      return CheckProblem(message: "manifest \(other): \(reason); \(meaning)")
    }
  }

  /// Publishes a manifest durably, and removes all but this one and the one that counted before.
  ///
  /// - Parameter number: higher than that of any other, valid or not.
  func publish(_ manifest: Manifest, number: UInt32, behind previous: UInt32) throws(Errno) {
    let temporary = path(number) + ".new"
    if try storage.list(Self.directory).contains(where: { Self.directory + "/" + $0 == temporary }) {
      try storage.remove(temporary)
    }
    let file = try storage.open(temporary, .creating)
    try file.write(manifest.encoded(), at: 0)
    try file.synchronize()
    try storage.rename(temporary, to: path(number))
    try storage.synchronizeDirectory(Self.directory)
    for old in try numbers() where old != number && old != previous { try storage.remove(path(old)) }
  }

  /// Removes all but the newest, durably: what only older ones refer to may go now.
  func removeAllButNewest() throws(Errno) {
    for old in try numbers().dropLast() { try storage.remove(path(old)) }
    try storage.synchronizeDirectory(Self.directory)
  }
}
