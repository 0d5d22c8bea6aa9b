import Ledger
import SystemIO

/// The body of a record that changes one fork: how many inodes and pages it adds or removes (i64, i64), then its edits to the end.
public struct Mutation: Sendable {
  public var inodes: Int64 = 0
  public var pages: Int64 = 0
  public private(set) var edits: [Edit] = []

  public init() {}

  public mutating func add(_ edit: Edit) { edits.append(edit) }

  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 64 + edits.count * 64)
    writer.integer(inodes)
    writer.integer(pages)
    for edit in edits { edit.encode(into: &writer) }
    return writer.bytes
  }

  init(decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    inodes = try reader.integer()
    pages = try reader.integer()
    while reader.remaining > 0 { edits.append(try Edit.decode(&reader)) }
  }
}
