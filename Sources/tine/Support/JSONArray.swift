import Control

/// Prints an array of JSON element by element, as `Console.print(json:)` prints it whole.
struct JSONArray {
  /// The last element, after which a comma may follow.
  private var pending: [UInt8]?

  mutating func print(_ element: some Encodable) throws(Failure) {
    let text: [UInt8]
    do { text = [UInt8](try JSON.encodeForReading(element)) } catch {
      throw Failure(.failed, "cannot write the answer: \(error)")
    }
    if let pending { try Console.print(pending + [UInt8(ascii: ",")]) } else { try Console.print("[") }
    let lines = text.split(separator: UInt8(ascii: "\n")).map { Array("  ".utf8) + $0 }
    pending = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  func end() throws(Failure) {
    if let pending { try Console.print(pending) } else { try Console.print("[\n") }
    try Console.print("]")
  }
}
