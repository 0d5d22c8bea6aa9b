import SystemIO
import TestSupport

@testable import Ledger

/// A small store whose bytes can be changed and sealed again, so that the changes are behind every checksum.
struct StoreImage {
  /// The store of the first version, with sealed and open segments and records behind its checkpoint.
  static let golden = StoreImage()

  private struct Region {
    let path: String
    let bytes: Range<Int>
  }

  private struct Layout {
    let path: String
    let contentEnd: Int
    let slotCount: Int
    let isSealed: Bool
    var records: [Range<Int>] = []
    /// Of the index: where the images of nodes stand.
    var nodes: [Range<Int>] = []
  }

  private static let manifest = "manifest/0000000002"
  private static let ledger = ["ledger/0000000001", "ledger/0000000002"]
  private static let index = ["index/0000000001", "index/0000000002"]

  private var files: [String: [UInt8]] = [:]
  private var layouts: [Layout] = []
  /// What a patch can change: everything but content.
  private var regions: [Region] = []

  private init() {
    let path = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    do throws(Errno) {
      let directory = try DirectoryStorage(opening: path + "/StoreTests/Golden/1")
      for path in ["format", Self.manifest] + Self.ledger + Self.index {
        let file = try directory.open(path, .reading)
        files[path] = try file.readExactly(Int(try file.size()), at: 0)
      }
    } catch {
      preconditionFailure("the store of the first version cannot be read: \(error)")
    }
    regions = [Region(path: "format", bytes: 0..<48), Region(path: Self.manifest, bytes: 0..<80)]
    for path in Self.ledger + Self.index { addLayout(path, hasRecords: path.hasPrefix("ledger")) }
  }

  private mutating func addLayout(_ path: String, hasRecords: Bool) {
    let bytes = files[path] ?? []
    let footer = bytes.count - SegmentFooter.size
    let isSealed = bytes.number(at: footer, as: UInt64.self) == SegmentFooter.magic
    var layout = Layout(
      path: path, contentEnd: isSealed ? Int(bytes.number(at: footer + 16, as: UInt64.self)) : bytes.count,
      slotCount: isSealed ? Int(bytes.number(at: footer + 12, as: UInt32.self)) : 0, isSealed: isSealed)
    if hasRecords {
      layout.records = Self.records(bytes, before: layout.contentEnd)
    } else {
      layout.nodes = (0..<layout.slotCount).map { slot in
        let entry = layout.contentEnd + slot * SlotEntry.encodedSize
        let offset = Int(bytes.number(at: entry, as: UInt32.self)) * 8
        return offset..<offset + Int(bytes.number(at: entry + 4, as: UInt16.self))
      }
    }
    regions.append(Region(path: path, bytes: 0..<48))
    regions += (layout.records + layout.nodes).map { Region(path: path, bytes: $0) }
    if isSealed {
      regions.append(Region(path: path, bytes: layout.contentEnd..<footer))
      regions.append(Region(path: path, bytes: footer..<footer + 56))
    }
    layouts.append(layout)
  }

  /// Every record up to its payload.
  private static func records(_ bytes: [UInt8], before end: Int) -> [Range<Int>] {
    var records: [Range<Int>] = []
    var offset = SegmentHeader.size
    bytes.withUnsafeBytes { buffer in
      while offset < end,
        let header = try? RecordFormat.decodeHeader(UnsafeRawBufferPointer(rebasing: buffer[offset..<end]))
      {
        records.append(offset..<offset + header.prefixLength)
        offset += Int(header.length)
      }
    }
    return records
  }

  // MARK: Changes

  /// The store with patches in it and right checksums. A patch is: region u8, offset u16, count u8 (the upper bit: the file ends
  /// there), bytes.
  ///
  /// - Parameter damage: what is changed after that, behind no checksum. A change is: region u8, offset u16, the bits that flip u8.
  func patched(by patches: [UInt8], damagedBy damage: [UInt8] = []) -> MemoryStorage {
    var image = self
    var ends: [(path: String, offset: Int)] = []
    var position = 0
    while position + 4 <= patches.count {
      let region = regions[Int(patches[position]) % regions.count]
      let offset = Int(patches.number(at: position + 1, as: UInt16.self)) % region.bytes.count
      let start = region.bytes.lowerBound + offset
      let limit = min(Int(patches[position + 3] & 0x7f), region.bytes.upperBound - start)
      let bytes = patches[(position + 4)...].prefix(limit)
      image.files[region.path]?.replaceSubrange(start..<start + bytes.count, with: bytes)
      if patches[position + 3] & 0x80 != 0 { ends.append((region.path, start)) }
      position += 4 + bytes.count
    }
    image.seal()
    for change in stride(from: 0, to: damage.count / 4 * 4, by: 4) {
      let region = regions[Int(damage[change]) % regions.count]
      let offset = region.bytes.lowerBound + Int(damage.number(at: change + 1, as: UInt16.self)) % region.bytes.count
      image.files[region.path]?[offset] ^= damage[change + 3]
    }
    for end in ends { image.files[end.path] = image.files[end.path].map { Array($0.prefix(end.offset)) } }
    return MemoryStorage(directories: ["", "ledger", "index", "manifest"], files: image.files)
  }

  private mutating func seal() {
    files["format"]?.seal(48)
    var chain: UInt64 = 0
    for layout in layouts {
      guard var bytes = files[layout.path] else { continue }
      if layout.nodes.isEmpty { bytes.store(chain, at: 32) }
      bytes.seal(48)
      sealRecords(&bytes, layout, &chain)
      if layout.isSealed { Self.sealDirectory(&bytes, layout, chain) }
      files[layout.path] = bytes
    }
    files[Self.manifest]?.seal(80)
  }

  /// Chains the records, and lets the manifest know the checksum before its position.
  private mutating func sealRecords(_ bytes: inout [UInt8], _ layout: Layout, _ chain: inout UInt64) {
    let salt: UInt64 = bytes.number(at: 16)
    let checkpoint: UInt64 = Self.golden(Self.manifest).number(at: 16)
    let segment: UInt32 = Self.golden(Self.manifest).number(at: 12)
    for record in layout.records {
      bytes.store(chain, at: record.lowerBound + 40)
      chain = bytes[record].withUnsafeBytes { RecordFormat.expectedChecksum($0, salt: salt) }
      bytes.store(chain, at: record.lowerBound + RecordFormat.checksumOffset)
      let end = record.lowerBound + Int(Self.golden(layout.path).number(at: record.lowerBound + 4, as: UInt32.self))
      if layout.path == Self.ledger[Int(segment) - 1], end == Int(checkpoint) {
        files[Self.manifest]?.store(chain, at: 32)
      }
    }
  }

  private static func golden(_ path: String) -> [UInt8] { golden.files[path] ?? [] }

  private static func sealDirectory(_ bytes: inout [UInt8], _ layout: Layout, _ chain: UInt64) {
    for (slot, node) in layout.nodes.enumerated() {
      let digest = bytes[node].withUnsafeBytes { Digest(of: $0) }
      bytes.store(digest.low, at: layout.contentEnd + slot * SlotEntry.encodedSize + 8)
      bytes.store(digest.high, at: layout.contentEnd + slot * SlotEntry.encodedSize + 16)
    }
    let entriesEnd = layout.contentEnd + layout.slotCount * SlotEntry.encodedSize
    let sumsEnd = bytes.count - SegmentFooter.size
    let stride = SlotDirectory.chunkSlots * SlotEntry.encodedSize
    for (chunk, sum) in Swift.stride(from: entriesEnd, to: sumsEnd, by: 8).enumerated() {
      let start = layout.contentEnd + chunk * stride
      bytes.store(checksum(Array(bytes[start..<min(start + stride, entriesEnd)])), at: sum)
    }
    if !layout.records.isEmpty { bytes.store(chain, at: sumsEnd + 40) }
    bytes.store(checksum(Array(bytes[entriesEnd..<sumsEnd])), at: sumsEnd + 48)
    bytes.store(checksum(Array(bytes[sumsEnd..<sumsEnd + 56]), seed: bytes.number(at: 16)), at: sumsEnd + 56)
  }
}
