import Foundation
import Testing

/// Exports to what cannot hold all of a fork.
@Suite(
  "Exports that leave something out", .enabled(if: geteuid() == 0, "needs root, to mount and to own files of others"))
struct ExportTests {
  private let stage: Stage

  init() throws { stage = try Stage() }

  private func make(_ commands: String) throws {
    let lines = try stage.run("mkdir tree && cd tree && umask 022 && \(commands)")
    try #require(lines == [])
    try #require(try stage.run("tine init && tine import prod tree > /dev/null").count == 1)
  }

  /// Runs commands where a file system without extended attributes is mounted at `ramfs`.
  private func runWithRamfs(_ commands: String) throws -> [String] {
    try stage.run("mkdir -p ramfs && alone sh -c 'mount -t ramfs none ramfs && chmod 755 ramfs; \(commands)'")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setfacl"), "needs acl and attr"))
  func attributesThatTheTargetDoesNotKeepAreTold() throws {
    defer { stage.close() }
    try make(
      """
      for i in a b c; do echo $i > $i; done; setfattr -n user.x -v y a; setfattr -n user.z -v y a; setfattr -n user.x -v y b
      chmod 640 c && setfacl -m u:5:rw,g::- c
      """)
    let lines = try runWithRamfs(
      "tine export prod ramfs/out; stat -c \"%n %a\" ramfs/out/*; cat ramfs/out/*; tine export prod ramfs/json --json")
    // What the list denied to the group is not allowed without the list.
    #expect(
      lines.prefix(9).map { $0.replacing(#/, the first is DIR.ramfs.out.[abc]/#, with: "") } == [
        "exported 3 entries, 6 B, from prod",
        "left out: access control lists, which the file system of DIR/ramfs/out does not keep (1 entry)",
        "left out: extended attributes, which the file system of DIR/ramfs/out does not keep (2 entries)",
        "ramfs/out/a 644", "ramfs/out/b 644", "ramfs/out/c 600", "a", "b", "c",
      ])
    let json = lines.dropFirst(9).joined()
    #expect(
      json.contains(#""kind" : "access-control-lists""#) && json.contains(#""reason" : "not-supported""#), "\(json)")
  }

  /// What the file system of a camera's card refuses, played by refused calls.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "needs strace"),
    arguments: ["out", "filled"])
  func linksThatTheTargetRefusesAreLeftOut(target: String) throws {
    defer { stage.close() }
    try make(
      "echo a > a; ln a b; ln -s a link; mkfifo fifo; mkdir d; ln a d/c; echo x > d/x; chmod 640 a; mkdir ../filled")
    let lines = try stage.run(
      """
      strace -f -qq -o /dev/null -e trace=linkat,symlinkat,mknodat,fchown,fchownat -e inject=linkat,symlinkat,mknodat,fchown,fchownat:error=EPERM \
        tine export prod \(target)
      echo $?
      cd \(target) && find . | LC_ALL=C sort && cat a b d/c && stat -c '%h %a' a b d/c
      """)
    let place = "DIR/\(target)"
    #expect(
      lines.filter { !$0.hasPrefix("left out: ") } == [
        "exported 5 entries, 8 B, from prod", "1", ".", "./a", "./b", "./d", "./d/c", "./d/x", "a", "a", "a", "1 640",
        "1 640", "1 640",
      ])
    let told = lines.filter { $0.hasPrefix("left out: ") }
    #expect(told.count == 4, "\(told)")
    let starts = [
      "left out: owners, which the file system of \(place) does not keep (6 entries,",
      "left out: hard links, whose files are copies of one another, which the file system of \(place) does not keep (",
      "left out: symbolic links, which the file system of \(place) does not keep (1 entry, the first is \(place)/link)",
      "left out: devices, FIFOs and sockets, which the file system of \(place) does not keep (1 entry, the first is \(place)/fifo)",
    ]
    for (line, start) in zip(told, starts) { #expect(line.hasPrefix(start), "\(line)") }
  }

  /// More names than a file may have there: the rest are names of another file.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "needs strace"))
  func aFileWithMoreNamesThanTheTargetAllowsIsSeveral() throws {
    defer { stage.close() }
    try make("echo a > 0; for i in 1 2 3 4 5 6 7 8 9; do ln 0 $i; done")
    let lines = try stage.run(
      """
      strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:error=EMLINK:when=4 tine export prod out
      cat out/* | sort -u; stat -c %h out/* | sort | uniq -c | tr -s ' '; ls -A out | wc -l
      """)
    #expect(lines.count == 6, "\(lines)")
    #expect(lines.suffix(4) == ["a", " 3 3", " 7 7", "10"])
    #expect(lines.first == "exported 10 entries, 4 B, from prod")
  }

  @Test func aFullTargetIsNotTakenForAFullStore() throws {
    defer { stage.close() }
    try make("mkdir d; head -c 2000000 /dev/urandom > d/big; mkdir ../filled")
    let lines = try stage.run(
      """
      for target in out filled; do
        alone sh -c "mkdir -p small && mount -t tmpfs -o size=1M none small && mkdir -p small/filled &&
          tine export prod small/$target; echo \\$?; ls -A small; ls -A small/filled"
      done
      """)
    #expect(
      lines == [
        "error: export to DIR/small/out/d/big: the file system is full", "hint: free space on it, or export elsewhere",
        "8",
        "filled", "error: export to DIR/small/filled/d/big: the file system is full",
        "hint: free space on it, or export elsewhere", "8", "filled",
      ])
  }
}
