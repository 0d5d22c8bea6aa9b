import SystemIO
import Testing

/// What fuzzing found and chose, decoded again: `Corpus/DECODER/accepted` and `rejected` hold inputs that cover a decoder, `found`
/// those that once made it trap, hang or take too much memory.
@Suite struct ReplayTests {
  private static let place = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(2).joined(separator: "/")

  @Test(arguments: Decoder.allCases) func decidesAsBefore(decoder: Decoder) throws {
    for input in try Self.inputs(decoder, "accepted") { #expect(decoder.accepts(input.bytes), "\(input.name)") }
    for input in try Self.inputs(decoder, "rejected") { #expect(!decoder.accepts(input.bytes), "\(input.name)") }
  }

  @Test(arguments: Decoder.allCases) func survivesWhatWasFound(decoder: Decoder) throws {
    for input in try Self.inputs(decoder, "found") { _ = decoder.accepts(input.bytes) }
  }

  @Test(arguments: Decoder.allCases) func isCovered(decoder: Decoder) throws {
    #expect(try !Self.inputs(decoder, "accepted").isEmpty)
    #expect(try !Self.inputs(decoder, "rejected").isEmpty)
  }

  private static func inputs(_ decoder: Decoder, _ kind: String) throws -> [(name: String, bytes: [UInt8])] {
    let path = "\(decoder.rawValue)/\(kind)"
    let directory = try DirectoryStorage(opening: place + "/Corpus")
    let names: [String]
    do throws(Errno) { names = try directory.list(path) } catch {
      guard error == .noSuchFile else { throw error }
      return []
    }
    return try names.sorted().map { name in
      let file = try directory.open("\(path)/\(name)", .reading)
      return (name, try file.readExactly(Int(file.size()), at: 0))
    }
  }
}
