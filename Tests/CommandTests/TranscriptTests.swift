import Foundation
import Testing

@Suite("Transcripts of the command line")
struct TranscriptTests {
  @Test("Without a mount", arguments: ["store", "names", "transfer", "usage", "json", "damage"])
  func offline(name: String) throws {
    try Transcript(named: name).replay()
  }

  @Test(
    "With the API", .enabled(if: canMount && access("/usr/bin/curl", X_OK) == 0, "needs /dev/fuse and curl"))
  func api() throws {
    try Transcript(named: "api").replay()
  }

  @Test(
    "With mounts", .enabled(if: canMount, "needs /dev/fuse"),
    arguments: ["mount", "diff", "run", "sample", "killed-daemon", "helpers", "upgrade", "interrupted"])
  func mounted(name: String) throws {
    try Transcript(named: name).replay()
  }
}

@Suite("The demo", .enabled(if: canMount && access("/usr/bin/sqlite3", X_OK) == 0, "needs /dev/fuse and sqlite3"))
struct DemoTests {
  @Test("It tells its story and leaves nothing behind")
  func story() throws {
    let stage = try Stage()
    defer { stage.close() }
    let (output, code) = try stage.execute("tine demo --forks 8")
    #expect(code == 0, "\(output)")
    #expect(output.contains("no fork, mount or process is left behind"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: stage.directory) == [])
  }

  @Test("Interrupted, it leaves nothing behind either")
  func interrupted() throws {
    let stage = try Stage()
    defer { stage.close() }
    let (output, code) = try stage.execute("timeout --preserve-status -s INT 1 tine demo --forks 2000")
    #expect(code == 130, "\(output)")
    #expect(output.contains("error: interrupted"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: stage.directory) == [])
    #expect(!(try String(contentsOfFile: "/proc/mounts", encoding: .utf8)).contains(stage.directory))
  }
}
