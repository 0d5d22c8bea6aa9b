import FoundationEssentials
import SystemIO
import Testing

@testable import Control

func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
  try JSON.decode(Value.self, from: JSON.encode(value))
}

func json(_ value: some Encodable) throws -> String { String(decoding: try JSON.encode(value), as: UTF8.self) }

@Suite("Messages of the API")
struct MessageTests {
  @Test("A head keeps all it says")
  func head() throws {
    let mount = Mount(name: "prod", directory: BytePath("/mnt/prod"), readOnly: false, writeback: true)
    let head = Head(
      name: "prod", kind: .fork, parent: "base@v1", created: Moment(nanoseconds: 1_795_000_000_123_456_789),
      createdAt: 12, changedAt: 48_213, entries: 3, bytes: 8192, mount: mount)
    #expect(try roundTrip(head) == head)
    let text = try json(head)
    #expect(text.contains("\"created_lsn\":12"))
    #expect(text.contains("\"created\":\"2026-11-18T11:06:40.123456789Z\""))
    #expect(text.contains("\"read_only\":false"))
  }

  @Test("A path that is not UTF-8 survives, and others stay plain text")
  func paths() throws {
    let odd = BytePath([0x2F, 0x61, 0xFF, 0xFE, 0x0A])
    let change = Change(path: odd, oldPath: BytePath("/ü"), change: .renamed, kind: .file)
    let copy = try roundTrip(change)
    #expect(copy.path == odd)
    #expect(copy.oldPath == BytePath("/ü"))
    let text = try json(change)
    #expect(text.contains("\"path_bytes\":\"L2H//go=\""))
    #expect(!text.contains("old_path_bytes"))
    #expect(!(try json(ImportRequest(name: "a", directory: BytePath("/b"))).contains("bytes")))
  }

  @Test("Pages and figures of a change survive")
  func change() throws {
    let pages = [Change.PageRange(first: 10, last: 12), Change.PageRange(first: 40, last: 40)]
    let change = Change(
      path: BytePath("base/5/1"), change: .modified, kind: .file, pages: pages, attributes: ["mode"], oldSize: 1 << 40,
      newSize: 200_000, patch: Array("@@".utf8))
    let copy = try roundTrip(change)
    #expect(copy.pages == pages)
    #expect(copy.changedBytes == 4 * 4096)
    #expect(copy.oldSize == 1 << 40)
    #expect(copy.attributes == ["mode"])
  }

  @Test("A problem that a check found keeps its places")
  func problem() throws {
    let problem = CheckReport.Problem(
      name: "prod@v1", paths: [BytePath("a"), BytePath([0xFF]), BytePath("c/d")],
      pages: Change.PageRange(first: 3, last: 9), inodes: CheckReport.InodeRange(first: 7, last: .max),
      message: "it is so")
    #expect(try roundTrip(problem) == problem)
    let text = try json(problem)
    #expect(text.contains("\"path\":\"a\""))
    #expect(text.contains("\"other_paths\":[{\"path\":\"\u{FFFD}\",\"path_bytes\":\"/w==\"},{\"path\":\"c/d\"}]"))
    let plain = CheckReport.Problem(name: nil, message: "it is so")
    #expect(try roundTrip(plain) == plain)
    #expect(try json(plain) == "{\"message\":\"it is so\"}")
  }

  @Test("What a record touched keeps its bytes")
  func subject() throws {
    let entry = LogEntry(
      lsn: 9, time: Moment(nanoseconds: 5), name: "prod", operation: "create", subject: BytePath([0x78, 0xFF]),
      pages: 0, checksum: "00")
    #expect(try roundTrip(entry).subject == entry.subject)
    #expect(try json(entry).contains("\"subject\":\"x\u{FFFD}\",\"subject_bytes\":\"eP8=\""))
    #expect(try roundTrip(entry).operation == "create")
  }

  @Test("JSON says what does not show in escapes, and means the same", arguments: [true, false])
  func visible(isForReading: Bool) throws {
    let text = "ä\u{1B}\u{7F}\u{9B}\u{202E}\u{2028}\u{E0041}\u{FEFF}\n\"\\🙂"
    let data = try isForReading ? JSON.encodeForReading(text) : JSON.encode(text)
    let shown = String(decoding: data, as: UTF8.self)
    #expect(shown.unicodeScalars.allSatisfy { $0 == "\n" || Quoting.isVisible($0) }, "\(shown)")
    #expect(shown.contains("ä") && shown.contains("🙂") && shown.contains(#"\u009b\u202e\u2028\udb40\udc41\ufeff\n"#))
    #expect(try JSONDecoder().decode(String.self, from: data) == text)
  }

  @Test("Every kind of failure has a status, and survives", arguments: Failure.Kind.allCases)
  func failure(kind: Failure.Kind) throws {
    let failure = Failure(kind, "it is so", hint: "do this")
    #expect(try roundTrip(ErrorBody(failure)).error == failure)
    #expect((400..<600).contains(kind.status))
  }

  @Test("A kind that this version does not know is a plain failure")
  func unknownKind() throws {
    let body = Data(#"{"error":{"kind":"solar-flare","message":"m"}}"#.utf8)
    #expect(try JSON.decode(ErrorBody.self, from: body).error == Failure(.failed, "m"))
  }

  @Test("A line of progress is told from a result and from an error")
  func lines() throws {
    let progress = Progress(activity: "importing", done: 3, total: 10, unit: .bytes)
    #expect(try roundTrip(StreamLine<Done>.progress(progress)).progress == progress)
    #expect(try roundTrip(StreamLine<Done>.result(Done())).result != nil)
    #expect(try roundTrip(StreamLine<Done>.error(.canceled)).error == .canceled)
  }

  @Test("What is wrong with a message is said in one line")
  func badMessages() {
    func message(_ text: String) -> String? {
      do throws(Failure) {
        _ = try JSON.decode(ForkRequest.self, from: Data(text.utf8))
        return nil
      } catch {
        return error.message
      }
    }
    #expect(message("{") == "not a valid ForkRequest: not JSON")
    #expect(message("{}") == "not a valid ForkRequest: \"name\" is missing")
    #expect(message(#"{"name":3}"#) == "not a valid ForkRequest: \"name\" is not a String")
  }
}

@Suite("Moments")
struct MomentTests {
  @Test(
    "Text and number agree",
    arguments: [
      (0, "1970-01-01T00:00:00.000000000Z"), (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
      (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z"),
      (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000000000Z"),
    ])
  func samples(nanoseconds: UInt64, text: String) {
    #expect(Moment(nanoseconds: nanoseconds).description == text)
    #expect(Moment(text) == Moment(nanoseconds: nanoseconds))
  }

  @Test("Every day of four centuries comes back")
  func days() {
    for day in stride(from: UInt64(0), to: 146_097, by: 13) {
      let moment = Moment(nanoseconds: day * 86_400_000_000_000 + 3_723_000_000_000)
      #expect(Moment(moment.description) == moment)
    }
  }

  @Test("A fraction may be short, and what is not a time is refused")
  func parsing() {
    #expect(Moment("1970-01-01T00:00:01.5Z")?.nanoseconds == 1_500_000_000)
    #expect(Moment("1970-01-01T00:00:01Z")?.nanoseconds == 1_000_000_000)
    for text in ["", "now", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00.xZ"] {
      #expect(Moment(text) == nil)
    }
  }
}

@Suite("Percent encoding")
struct PercentEncodingTests {
  @Test("Everything comes back", arguments: ["prod@before", "a b/c?d=e&f#g%", "Zürich\u{1F600}", ""])
  func roundTrip(text: String) {
    #expect(percentDecoded(percentEncoded(text)) == text)
  }

  @Test("Broken escapes are refused", arguments: ["%", "%4", "%zz", "%FF"])
  func broken(text: String) {
    #expect(percentDecoded(text) == nil)
  }
}
