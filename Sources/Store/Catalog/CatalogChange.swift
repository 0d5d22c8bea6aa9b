import SystemIO

// The bodies of the records that change the catalog. The head that a record makes has the LSN of the record as its number.
//
//   create fork          flags u8 (1: an import that has not ended), name
//   fork, snapshot       source u64, then name
//   drop                 nothing; the record's head is the one that goes
//   complete import      nothing; the record's head is the one that was imported

/// A change of the catalog, as its record holds it.
enum CatalogChange {
  case createFork(name: String, isIncomplete: Bool)
  case fork(source: UInt64, name: String)
  case snapshot(source: UInt64, name: String)
  case drop
  case completeImport

  var kind: RecordKind {
    switch self {
    case .createFork: .createFork
    case .fork: .fork
    case .snapshot: .snapshot
    case .drop: .drop
    case .completeImport: .completeImport
    }
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .createFork(let name, let isIncomplete):
      writer.integer(UInt8(isIncomplete ? 1 : 0))
      writer.text(name)
    case .fork(let source, let name), .snapshot(let source, let name):
      writer.integer(source)
      writer.text(name)
    case .drop, .completeImport: break
    }
    return writer.bytes
  }

  init(_ kind: RecordKind, decoding bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    switch kind {
    case .createFork:
      let isIncomplete = try reader.integer(as: UInt8.self) == 1
      self = .createFork(name: try reader.text(), isIncomplete: isIncomplete)
    case .fork: self = .fork(source: try reader.integer(), name: try reader.text())
    case .snapshot: self = .snapshot(source: try reader.integer(), name: try reader.text())
    case .drop: self = .drop
    case .completeImport: self = .completeImport
    default: throw DecodingFailure("the record does not change the catalog")
    }
  }
}
