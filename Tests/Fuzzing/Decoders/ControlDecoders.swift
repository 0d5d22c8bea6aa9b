import FoundationEssentials

@testable import Control

/// What the other end of a socket sends: the daemon's own, or that between its supervisor and its worker.
extension Decoder {
  /// The largest part that comes at once, then a response.
  func acceptsResponse(_ bytes: [UInt8]) -> Bool {
    guard let size = bytes.first else { return false }
    let source = Pieces(bytes: bytes, position: 1, size: Int(size) + 1)
    if var elements = try? ElementReader(Response(reading: source)) {
      while let element = try? elements.next() { precondition(element.count <= bytes.count, "an element is too long") }
    }
    return succeeds {
      var response = try Response(reading: source)
      let body = try response.rest()
      precondition(body.count <= bytes.count, "a body is longer than what was sent")
      var lines = LineReader(try Response(reading: source))
      while try lines.next() != nil {}
    }
  }

  /// The number of the message's type, then its JSON.
  func acceptsMessage(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first, !Self.messages.isEmpty else { return false }
    let message = Self.messages[Int(first) % Self.messages.count]
    return succeeds { try message(Data(bytes[1...])) }
  }

  private static let messages: [@Sendable (Data) throws -> Void] = [
    decoder(Head.self), decoder(HeadReport.self), decoder(ForkRequest.self), decoder(SnapshotRequest.self),
    decoder(DiffRequest.self), decoder(LogRequest.self), decoder(LogEntry.self), decoder(TransferReport.self),
    decoder(VersionReport.self), decoder(Progress.self), decoder(CollectionReport.self), decoder(CheckReport.self),
    decoder(StreamLine<Done>.self), decoder(StreamLine<CheckReport>.self), decoder(ErrorBody.self),
    decoder(Mount.self), decoder(MountRequest.self), decoder(ImportRequest.self), decoder(ExportRequest.self),
    decoder(UnmountRequest.self), decoder(Usage.self), { _ = try JSON.encode(changedBytes($0)) },
    decoder(UpgradeRequest.self),
  ]

  /// Decodes a message; what comes of it can be sent again.
  private static func decoder<Message: Codable & SendableMetatype>(
    _ type: Message.Type
  ) -> @Sendable (Data) throws -> Void {
    { _ = try JSON.decode(Message.self, from: JSON.encode(JSON.decode(Message.self, from: $0))) }
  }

  private static func changedBytes(_ data: Data) throws -> UInt64 {
    try JSON.decode(Change.self, from: data).changedBytes
  }

  /// What a worker and its supervisor tell each other; what is understood can be said again.
  func acceptsSupervisorMessage(_ bytes: [UInt8]) -> Bool {
    guard let message = SupervisorMessage(decoding: bytes) else { return false }
    precondition(SupervisorMessage(decoding: message.encoded) == message, "a message does not survive its encoding")
    return true
  }

  /// Percent-encoded text, a moment, an address.
  func acceptsText(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    if let moment = Moment(text) {
      precondition(Moment(moment.description) == moment, "a moment does not survive its encoding")
    }
    guard let decoded = percentDecoded(text) else { return false }
    precondition(percentDecoded(percentEncoded(decoded)) == decoded, "a text does not survive its encoding")
    return true
  }
}

/// Bytes that come in pieces.
private struct Pieces: ByteSource {
  let bytes: [UInt8]
  var position: Int
  let size: Int

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let piece = bytes[position...].prefix(min(size, buffer.count))
    buffer.copyBytes(from: piece)
    position = piece.endIndex
    return piece.count
  }
}
