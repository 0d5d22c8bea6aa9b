import Control

/// Prints an array of JSON element by element, as `Console.print(json:)` prints it whole.
struct JSONArray {
  private var isEmpty = true

  mutating func print(_ element: some Encodable) throws(Failure) {
    let text: [UInt8]
    do { text = [UInt8](try JSON.encodeForReading(element)) } catch {
      throw Failure(.failed, "cannot write the answer: \(error)")
    }
    let indented = text.split(separator: UInt8(ascii: "\n")).map { Array("  ".utf8) + $0 }
    Console.printPiece(Array((isEmpty ? "[\n" : ",\n").utf8) + indented.joined(separator: [UInt8(ascii: "\n")]))
    isEmpty = false
  }

  func end() { Console.print(isEmpty ? "[\n\n]" : "\n]") }
}
