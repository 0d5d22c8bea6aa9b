public import FoundationEssentials
import SystemIO

/// How the API writes JSON: keys in snake case and sorted, nothing escaped that shows, dates as RFC 3339 text (see `Moment`).
public enum JSON {
  /// The compact form that travels on the socket.
  public static func encode(_ value: some Encodable) throws -> Data {
    visible(try encoder().encode(value))
  }

  /// The form that people read.
  public static func encodeForReading(_ value: some Encodable) throws -> Data {
    let encoder = encoder()
    encoder.outputFormatting.insert(.prettyPrinted)
    return visible(try encoder.encode(value))
  }

  /// The same JSON with an escape for each character that does not show: answers are read on terminals, which obey some of them.
  private static func visible(_ json: Data) -> Data {
    let isPlain = { (byte: UInt8) in (0x20..<0x7F).contains(byte) || byte == UInt8(ascii: "\n") }
    if json.allSatisfy(isPlain) { return json }
    var text = ""
    for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
      if scalar == "\n" || Quoting.isVisible(scalar) {
        text.unicodeScalars.append(scalar)
      } else {
        for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return Data(text.utf8)
  }

  /// Reads one value, and says in one line what is wrong with the text where it is not one.
  public static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws(Failure) -> Value {
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: data)
    } catch let error as DecodingError {
      throw Failure(.badRequest, "not a valid \(type): \(error.summary)")
    } catch {
      throw Failure(.badRequest, "not a valid \(type): \(error)")
    }
  }

  private static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}

extension DecodingError {
  fileprivate var summary: String {
    switch self {
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case .valueNotFound(_, let context): "\(context.place) is null"
    case .typeMismatch(let type, let context): "\(context.place) is not a \(type)"
    case .dataCorrupted(let context): context.codingPath.isEmpty ? "not JSON" : "\(context.place) is malformed"
    @unknown default: "it cannot be read"
    }
  }
}

extension DecodingError.Context {
  fileprivate var place: String {
    codingPath.isEmpty ? "the body" : "\"\(codingPath.map(\.stringValue).joined(separator: "."))\""
  }
}
