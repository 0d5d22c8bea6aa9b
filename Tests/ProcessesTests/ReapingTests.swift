import Foundation
import Glibc
import SystemIO
import Testing

@testable import Processes

/// The program that serves as a reaper: it lies beside this test.
private let program: String = {
  let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  return URL(filePath: own ?? ".").deletingLastPathComponent().appending(path: "tine").path
}()

/// A shell command under a reaper, and what it prints.
private struct Reaped {
  let command: ReapedCommand
  private let file: String

  init(_ script: String, _ change: (inout Command) -> Void = { _ in }) throws {
    var template = Array("/tmp/tine-reaped-XXXXXX\0".utf8)
    let output = template.withUnsafeMutableBytes { mkstemp($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
    try #require(output >= 0)
    defer { close(output) }
    file = String(decoding: template.dropLast(), as: UTF8.self)
    var command = Command(["sh", "-c", script], environment: environment)
    command.output = output
    change(&command)
    self.command = try ReapedCommand(command, program: program)
  }

  func output() throws -> String {
    defer { unlink(file) }
    return try String(contentsOfFile: file, encoding: .utf8)
  }
}

/// The processes that have `argument` among their arguments.
private func processes(with argument: String) -> [Int32] {
  let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return all.compactMap { Int32($0) }.filter { process in
    ProcessTable.contents(of: "/proc/\(process)/cmdline").split(separator: 0).contains {
      $0.elementsEqual(argument.utf8)
    }
  }
}

/// A number of seconds to sleep that no other test sleeps, to find the sleepers by.
private func uniqueSleep() -> String { "8\(UInt32.random(in: 1_000_000...9_999_999))" }

/// Waits until something is the case, which must be so within 20 seconds.
private func waitUntil(_ condition: () -> Bool) {
  let deadline = ContinuousClock.now.advanced(by: .seconds(20))
  while !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("it did not come to that")
      return
    }
    usleep(1000)
  }
}

@Suite("Commands of which nothing is left")
struct ReapingTests {
  @Test("The exit code, the signal and the output pass through")
  func basics() throws {
    let ended = try Reaped("echo $TINE_TEST; exit 7")
    #expect(ended.command.wait() == .exited(7))
    #expect(ended.command.finish() == [])
    #expect(try ended.output() == "yes\n")
    let killed = try Reaped("kill -9 $$")
    #expect(killed.command.wait() == .killed(signal: SIGKILL))
    #expect(killed.command.finish() == [])
    #expect(try killed.output() == "")
  }

  @Test("It runs in the process group of whoever started it, or leads one")
  func groups() throws {
    let script = "cut -d' ' -f5 < /proc/self/stat; echo $$"
    let inherited = try Reaped(script)
    #expect(inherited.command.wait() == .exited(0))
    inherited.command.finish()
    #expect(try inherited.output().hasPrefix("\(getpgrp())\n"))
    let own = try Reaped(script) { $0.group = .own }
    #expect(own.command.wait() == .exited(0))
    own.command.finish()
    let lines = try own.output().split(separator: "\n")
    #expect(lines.count == 2 && lines[0] == lines[1])
  }

  @Test("What cannot start says at which step")
  func failures() throws {
    let missing = #expect(throws: SpawnError.self) {
      try ReapedCommand(Command(["/no/such/program"], environment: environment), program: program)
    }
    #expect(missing?.step == .program)
    #expect(missing?.errno == .noSuchFile)
    var command = Command(["true"], environment: environment)
    command.directory = Array("/no/such/directory".utf8)
    let elsewhere = #expect(throws: SpawnError.self) { try ReapedCommand(command, program: program) }
    #expect(elsewhere?.step == .directory)
  }

  @Test(
    "What it left is ended, however it hides",
    arguments: [
      "env -i sleep SECONDS &", "setsid sleep SECONDS &", "(setsid sh -c 'sleep SECONDS & exit' &)",
      "env -i setsid nohup sh -c 'trap \"\" TERM HUP; sleep SECONDS; sleep SECONDS' &",
      "sleep SECONDS & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!",
      "setsid sh -c 'while :; do sleep SECONDS & kill -9 $!; done' &",
    ])
  func leftovers(script: String) throws { try expectNothingLeft(of: script) }

  @Test("A process that forks and ends all the time is caught")
  func chain() throws { try expectNothingLeft(of: "setsid sh -c 'f() { f & }; f' SECONDS &") }

  /// Runs a script that leaves processes with SECONDS among their arguments.
  private func expectNothingLeft(of script: String) throws {
    let seconds = uniqueSleep()
    let signal = "/tmp/tine-reaped-\(seconds)"
    let reaped = try Reaped(
      script.replacing("SECONDS", with: seconds) + "\nwhile [ ! -e \(signal) ]; do sleep 0.01; done")
    waitUntil { !processes(with: seconds).isEmpty }
    try #require(FileManager.default.createFile(atPath: signal, contents: nil))
    defer { unlink(signal) }
    #expect(reaped.command.wait() == .exited(0))
    #expect(reaped.command.finish() == [])
    #expect(processes(with: seconds) == [])
    _ = try reaped.output()
  }

  @Test("A command that still runs is ended, and what has ended before is not waited for")
  func running() throws {
    let seconds = uniqueSleep()
    let reaped = try Reaped("trap '' TERM; sleep \(seconds); sleep \(seconds)")
    let pipe = try Processes.Pipe()
    #expect(write(pipe.writer.rawValue, "x", 1) == 1)
    #expect(reaped.command.wait(orReadable: pipe.reader.rawValue) == nil)
    reaped.command.signal(SIGUSR1)
    #expect(reaped.command.wait() == .killed(signal: SIGUSR1))
    #expect(reaped.command.finish() == [])
    #expect(processes(with: seconds) == [])
    _ = try reaped.output()
  }

  @Test("Everything ends if whoever started it is gone")
  func abandoned() throws {
    let seconds = uniqueSleep()
    var reaped: Reaped? = try Reaped("setsid env -i sleep \(seconds) & sleep \(seconds)")
    waitUntil { processes(with: seconds).count == 2 }
    _ = try reaped?.output()
    // The connection is all that a reaper knows of the other process.
    reaped = nil
    waitUntil { processes(with: seconds).isEmpty }
  }
}

@Suite("Messages of the reaper")
struct ReaperMessageTests {
  @Test(
    "They come back as they were",
    arguments: [
      ReaperMessage.signal(SIGTERM), .end, .started, .failed(step: 3, errno: 2), .ended(status: 256),
      .finished(left: []), .finished(left: [1, -1, .max]),
    ])
  func roundTrip(message: ReaperMessage) { #expect(ReaperMessage(decoding: message.encoded) == message) }

  @Test("Other bytes are no message", arguments: [[], [0], [1], [7], [2, 0], [5, 0, 0, 0, 0, 0]] as [[UInt8]])
  func rejected(bytes: [UInt8]) { #expect(ReaperMessage(decoding: bytes) == nil) }
}
