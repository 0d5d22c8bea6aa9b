/// One element of an answer that is an array, written as it is found. Where the work fails after it has begun, the last element is the error.
public enum ListElement<Element> {
  case element(Element)
  case error(Failure)

  private enum CodingKeys: CodingKey { case error }
}

extension ListElement: Decodable where Element: Decodable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self =
      container.contains(.error)
      ? .error(try container.decode(Failure.self, forKey: .error)) : .element(try Element(from: decoder))
  }
}

extension ListElement: Encodable where Element: Encodable {
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .element(let element): try element.encode(to: encoder)
    case .error(let failure):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(failure, forKey: .error)
    }
  }
}
