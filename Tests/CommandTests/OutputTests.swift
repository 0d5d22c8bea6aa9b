import Foundation
import Testing

@Suite("Output that cannot be written")
struct OutputTests {
  private static let commands = [
    "list", "list --json", "show prod", "log prod", "log prod --json", "diff none prod", "diff none prod --json",
    "diff none prod --stat", "check", "check --json", "version", "version --json", "gc", "stop", "--version", "--help",
    "help",
    "help list", "list --help", "--generate-completion-script bash", "--generate-completion-script zsh",
    "snapshot prod s$$", "fork prod f$$", "fork prod g$$ --json",
  ]

  private let stage: Stage

  init() throws {
    stage = try Stage()
    try #require(
      try stage.run("mkdir tree; echo x > tree/a; tine init; tine import prod tree; tine fork --empty none").count == 3)
  }

  @Test("A full disk is an error that is told", arguments: Self.commands)
  func full(command: String) throws {
    defer { stage.close() }
    let (output, code) = try stage.execute("tine \(command) > /dev/full")
    #expect(code == 1)
    #expect(output.hasPrefix("error: cannot write the output: No space left on device\n"), "\(output)")
  }

  @Test("A closed descriptor is one too, and the store does not take what was meant for it", arguments: Self.commands)
  func closed(command: String) throws {
    defer { stage.close() }
    let (output, code) = try stage.execute("tine \(command) >&-")
    #expect(code == 1)
    #expect(output.hasPrefix("error: cannot write the output: Bad file descriptor\n"), "\(output)")
    #expect(try stage.execute("tine \(command) <&- >&- 2>&-").code == 1)
    #expect(try stage.execute("tine check && ! grep -r 'cannot write' store").code == 0)
  }

  @Test("A reader that went away ends the program quietly", arguments: Self.commands)
  func reader(command: String) throws {
    defer { stage.close() }
    let (output, code) = try stage.execute("{ sleep 0.2; tine \(command); echo $? >&2; } | true")
    #expect(output == "141\n")
    #expect(code == 0)
  }

  @Test("What the command did stays done")
  func done() throws {
    defer { stage.close() }
    #expect(
      try stage.run("tine fork prod try > /dev/full") == [
        "error: cannot write the output: No space left on device", "hint: what the command changed stays changed",
        "[1]",
      ])
    #expect(try stage.execute("tine show try").code == 0)
  }

  @Test(
    "Runs and samples leave nothing behind", .enabled(if: canMount, "needs /dev/fuse"),
    arguments: [">/dev/full", ">&-"])
  func cleaned(redirection: String) throws {
    defer { stage.close() }
    let run = try stage.execute("tine run --json --from prod -- sh -c 'echo x > b' \(redirection)")
    #expect(run.code == 125 && run.output.contains("error: cannot write the output"), "\(run.output)")
    let sample = try stage.execute("tine sample --from prod -n 2 --keep-best 0 -- true \(redirection)")
    #expect(sample.code == 1 && sample.output.contains("error: cannot write the output"), "\(sample.output)")
    #expect(
      try stage.run("tine list --json | grep '\"name\"'; ls store/mounts") == [
        #"  "name" : "none""#, #"  "name" : "prod""#,
      ])
    #expect(
      try stage.execute("{ sleep 0.2; tine run --json --from prod -- true; echo $? >&2; } | true").output == "141\n")
  }
}
