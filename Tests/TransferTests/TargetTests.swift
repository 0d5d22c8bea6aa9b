import FileSystem
import Glibc
import Store
import SystemIO
import TestSupport
import Testing

@testable import Transfer

/// Where an export may go, and what it leaves where it fails.
struct TargetTests {
  private let stage: TransferStage

  init() throws {
    stage = try TransferStage()
    stage.make("source", "mkdir -m 750 d; echo a > d/a; chmod 640 d/a; echo b > b; ln b d/b; chmod 555 .")
    try stage.importSource()
  }

  private func identity(_ name: String) -> String { shell("stat -c '%d:%i' '\(stage.path(name))'").output }
  private func attributes(_ name: String) -> String {
    shell("cd '\(stage.path(name))' && stat -c '%a %u %g %y' . && getfacl -p . 2>&1; ls -A").output
  }

  @Test func anExportDoesNotTouchWhatIsThere() throws {
    stage.make("full", "echo x > x; chmod 755 .; touch -d 2001-02-03 .")
    let before = attributes("full")
    #expect(failure { try stage.fill("full") }?.isNotEmpty == true)
    #expect(attributes("full") == before)
    shell("ln -s nowhere '\(stage.path("dangling"))'")
    for name in ["full", "full/x", "dangling"] {
      #expect(
        failure {
          try stage.export(to: name.split(separator: "/").last.map(String.init)!, in: name.contains("/") ? "full" : "")
        }?.isTaken == true)
    }
    #expect(stage.names == ["dangling", "full", "source", "store"])
  }

  @Test func aCanceledExportLeavesNothing() throws {
    for entries in 0..<4 as Range<UInt64> {
      #expect(failure { try stage.export { $0.entries < entries } }?.isCancellation == true)
      #expect(stage.names == ["source", "store"])
    }
  }

  @Test func anEmptyDirectoryIsFilledInPlace() throws {
    stage.make("empty", "true")
    let before = identity("empty")
    try stage.fill("empty")
    #expect(identity("empty") == before)
    #expect(stage.fingerprint("empty") == stage.fingerprint("source"))
  }

  @Test(.enabled(if: Need.root && Need.lists, "needs root and acl"))
  func anExportThatFailsLeavesADirectoryAsItWas() throws {
    stage.make(
      "empty", "chmod 2751 .; chown 5:6 .; setfacl -m u:7:rwx .; setfacl -d -m u:8:rw .; touch -d 2001-02-03 .")
    let before = attributes("empty")
    for entries in 0..<4 as Range<UInt64> {
      #expect(failure { try stage.fill("empty") { $0.entries < entries } }?.leavesRemains == false)
      #expect(attributes("empty") == before)
    }
  }

  /// What somebody else makes in a directory while it is filled is his.
  @Test func whatOthersMakeMeanwhileStays() throws {
    stage.make("empty", "true")
    let theirs = stage.path("empty/theirs")
    let canceled = failure {
      try stage.fill("empty") { _ in
        close(creat(theirs, 0o600))
        return false
      }
    }
    #expect(canceled?.isCancellation == true)
    #expect(shell("ls -A '\(stage.path("empty"))'").output == "theirs\n")
  }

  @Test func aNameThatIsTakenMeanwhileIsNotReplaced() throws {
    let target = stage.path("target")
    let taken = failure {
      try stage.export { _ in
        mkdir(target, 0o700)
        return true
      }
    }
    #expect(taken?.isTaken == true)
    #expect(stage.names == ["source", "store", "target"])
    #expect(shell("ls -A '\(target)'").output == "")
  }

  @Test(.enabled(if: Need.lists, "needs acl"))
  func listsOfTheTargetAreNotInherited() throws {
    stage.make("parent", "chmod 2777 .; setfacl -d -m u:65534:rw,g::rwx .; mkdir empty")
    try stage.export(in: "parent")
    #expect(stage.fingerprint("parent/target") == stage.fingerprint("source"))
    try stage.fill("parent/empty")
    #expect(stage.fingerprint("parent/empty") == stage.fingerprint("source"))
  }

  @Test(.enabled(if: Need.root && shell("command -v mkfs.ext4").code == 0, "needs root and mkfs.ext4"))
  func aNewVolumeIsFilled() throws {
    // In a mount namespace that ends with the shell, the volume would be gone; so it is unmounted by hand.
    let volume = stage.path("volume")
    let mounted = shell(
      "truncate -s 20M '\(volume).image' && mkfs.ext4 -q '\(volume).image' && mkdir '\(volume)' && mount -o loop '\(volume).image' '\(volume)'"
    )
    guard mounted.code == 0 else { return }
    defer { shell("umount '\(volume)'") }
    try stage.fill("volume")
    #expect(shell("rmdir '\(volume)/lost+found'").code == 0)
    // The first line is the volume's own directory, which has changed just now.
    #expect(stage.fingerprint("volume").dropFirst() == stage.fingerprint("source").dropFirst())
  }

  /// A volume's own directory is taken along, and meets the one of another volume.
  @Test func theDirectoryOfAVolumeIsMerged() throws {
    stage.make("volume", "mkdir -m 700 lost+found; echo x > lost+found/x; echo y > y; touch -d 2001-02-03 lost+found")
    try stage.importSource("volume", as: "volume")
    stage.make("empty", "mkdir -m 711 lost+found")
    #expect(failure { try stage.fill("empty", with: "volume") { $0.entries < 2 } }?.isCancellation == true)
    #expect(shell("cd '\(stage.path("empty"))' && find .").output == ".\n./lost+found\n")
    try stage.fill("empty", with: "volume")
    #expect(stage.fingerprint("empty") == stage.fingerprint("volume"))
    stage.make("full", "mkdir lost+found; echo > lost+found/found")
    #expect(failure { try stage.fill("full", with: "volume") }?.isNotEmpty == true)
    stage.make("file", "echo > lost+found")
    #expect(failure { try stage.fill("file", with: "volume") }?.isNotEmpty == true)
  }

  /// What was exported is replaced by a link to somewhere else while the export runs.
  @Test func aLinkInPlaceOfADirectoryLeadsNowhere() throws {
    stage.make("wide", "for i in $(seq 40); do mkdir -p $i/sub; echo $i > $i/file; echo $i > $i/sub/file; done")
    try stage.importSource("wide", as: "wide")
    stage.make("outside", "true")
    let (base, outside) = (stage.directory.path, stage.path("outside"))
    let replaced = #expect(throws: (any Error).self) {
      try stage.export("wide") { step in
        if step.entries % 7 == 0 {
          shell(
            "cd '\(base)'/.tine-export-* && for d in [0-9]*; do mv $d gone-$d && ln -s '\(outside)' $d; done; cd gone-1 && mv sub s && ln -s '\(outside)' sub"
          )
        }
        return step.entries < 100
      }
    }
    #expect(replaced != nil)
    #expect(shell("find '\(outside)'").output == "\(outside)\n")
    #expect(stage.names == ["outside", "source", "store", "wide"])
  }

  @Test func aStoreIsNeitherImportedNorExportedIntoItself() throws {
    shell("mkdir '\(stage.path("store"))/mounts'")
    #expect(failure { try stage.export(in: "store") }?.isStore == true)
    #expect(failure { try stage.fill("store/mounts") }?.isStore == true)
    for name in ["store", "store/ledger", "."] {
      #expect(failure { try stage.importSource(name, as: "again") }?.isStore == true, "\(name)")
    }
    // Wherever it is by now.
    shell("mkdir '\(stage.path("source"))/moved' && mv '\(stage.path("store"))' '\(stage.path("source"))/moved/store'")
    #expect(failure { try stage.importSource(as: "again") }?.isStore == true)
    #expect(stage.store.heads().map(\.name) == ["prod"])
  }
}
