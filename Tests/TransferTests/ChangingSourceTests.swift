import FileSystem
import Glibc
import Store
import SystemIO
import TestSupport
import Testing

@testable import Transfer

/// Directories that somebody changes while they are imported.
struct ChangingSourceTests {
  private let stage: TransferStage

  init() throws { stage = try TransferStage() }

  /// Imports a directory, and runs commands in it at its first entry.
  private func importing(_ commands: String) -> TransferError? {
    let directory = stage.path("source")
    return failure {
      try stage.importSource { step in
        step.entries > 1 || shell("cd '\(directory)' && \(commands)").code == 0
      }
    }
  }

  private func expectNothing() throws {
    #expect(stage.store.heads().isEmpty)
    try stage.finish()
  }

  @Test func aDirectoryThatVanishesIsAnError() throws {
    stage.make("source", "mkdir a b; touch first")
    let changed = importing("rmdir a b")
    #expect(changed?.isChange == true && ["a", "b"].contains(changed?.name ?? ""))
    try expectNothing()
  }

  @Test func aFileThatIsCutShortIsAnError() throws {
    stage.make("source", "head -c 3000000 /dev/urandom > file")
    let changed = importing("truncate -s 2000000 file")
    #expect(changed?.isChange == true && changed?.name == "file")
    try expectNothing()
  }

  @Test func aHoleAtTheEndIsNoCut() throws {
    stage.make("source", "head -c 2000000 /dev/urandom > file; truncate -s 3000000 file")
    try stage.importSource()
    try stage.export()
    #expect(stage.fingerprint("target") == stage.fingerprint("source"))
    try stage.finish()
  }

  @Test func whatIsAppendedMeanwhileIsLeftOut() throws {
    stage.make("source", "seq 400000 > file; cp file ../before")
    let directory = stage.path("source")
    try stage.importSource { step in
      step.entries > 1 || shell("cd '\(directory)' && echo more >> file").code == 0
    }
    try stage.export()
    #expect(shell("cmp '\(stage.path("before"))' '\(stage.path("target/file"))'").code == 0)
    try stage.finish()
  }

  /// A link that takes the place of a directory would lead out of what is imported.
  @Test func aLinkInPlaceOfADirectoryLeadsNowhere() throws {
    stage.make("outside", "mkdir b; echo secret > secret; echo secret > b/secret")
    stage.make("source", "mkdir -p a/b z/b; touch first")
    let changed = importing("mv a x; mv z y; ln -s ../outside a; ln -s ../outside z")
    #expect(changed?.isChange == true && ["a", "z"].contains(changed?.name ?? ""))
    try expectNothing()
  }

  /// A directory above the one that is read moves elsewhere, and the way up would lead there.
  @Test func theWayUpLeadsToWhereTheWalkCameFrom() throws {
    let path = (0..<60).map { "\($0)" }.joined(separator: "/")
    stage.make("source", "mkdir -p \(path); mkdir 0/other")
    stage.make("outside", "mkdir secret")
    let (directory, outside) = (stage.path("source"), stage.path("outside"))
    let changed = failure {
      try stage.importSource { step in
        step.entries != 61 || shell("mv '\(directory)/0/1/2/3' '\(outside)/3'").code == 0
      }
    }
    #expect(changed?.isChange == true)
    try expectNothing()
  }

  @Test(.enabled(if: Need.root, "needs root"))
  func whatIsMountedBelowIsImportedWithTheRest() throws {
    stage.make("source", "mkdir volume")
    guard shell("mount -t tmpfs tine-test '\(stage.path("source/volume"))'").code == 0 else { return }
    defer { shell("umount '\(stage.path("source/volume"))'") }
    stage.make("source/volume", "mkdir d; echo x > d/x")
    try stage.importSource()
    try stage.export()
    #expect(shell("cat '\(stage.path("target"))/volume/d/x'").output == "x\n")
    // The volume itself may be what is imported.
    try stage.importSource("source/volume", as: "volume")
    try stage.finish()
  }

  @Test func whatCannotBeImportedIsSaid() throws {
    shell("echo > '\(stage.path("file"))'")
    #expect(throws: Errno.notDirectory) { try stage.importSource("file") }
    let file = try FileDescriptor(opening: stage.path("file"), flags: O_RDONLY)
    let failed = failure { try importDirectory(file, describedAs: Array("f".utf8), into: stage.store, as: "prod") }
    #expect(failed?.errno == .notDirectory && failed?.name == "f")
    try expectNothing()
  }
}
