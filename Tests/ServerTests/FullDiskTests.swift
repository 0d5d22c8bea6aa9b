import Glibc
import TestSupport
import Testing

/// A store on a small disk of its own, which fills up under a mount.
@Suite(
  .enabled(if: TineStore.canMount && SmallDisk.isPossible, "it needs /dev/fuse, root, and loop devices with ext4"),
  .serialized)
struct FullDiskTests {
  /// Stands before the disk, so that it ends before.
  private let store: TineStore
  private let disk: SmallDisk
  private let mount: String

  init() throws {
    disk = try SmallDisk(.ext4, megabytes: 80)
    store = TineStore(at: disk.path + "/store")
    #expect(store.tine("init").code == 0)
    #expect(store.tine("fork --empty prod").code == 0)
    mount = store.mount("prod")
    let made = shell("cd \(mount) && dd if=/dev/urandom of=kept bs=1M count=3 conv=fsync && cp kept \(disk.reference)")
    try #require(made.code == 0, "\(made.output)")
  }

  private func isKeptWhole() -> Bool { shell("cmp \(mount)/kept \(disk.reference)").code == 0 }

  /// Writes until the disk is full, in pieces whose space can be given back, and says what the writer was told.
  private func fill(_ name: String) -> String {
    shell("dd if=/dev/urandom of=\(mount)/\(name) bs=256k").output
  }

  /// What frees space works on the full disk, and then everything goes on in the same daemon.
  private func verifyThatAllGoesOn() {
    let collected = store.tine("gc")
    #expect(collected.code == 0, "\(collected.output)")
    let written = shell(
      "cd \(mount) && dd if=/dev/urandom of=new bs=1M count=8 conv=fsync && cp new copy && cmp new copy && rm new copy")
    #expect(written.code == 0, "\(written.output)")
    #expect(isKeptWhole())
    let checked = store.tine("check")
    #expect(checked.code == 0, "\(checked.output)")
  }

  @Test func dataFillsIt() {
    #expect(fill("filled").contains("No space left on device"))
    #expect(isKeptWhole())
    #expect(shell("dd if=/dev/urandom of=\(mount)/more bs=1M count=8").output.contains("No space left on device"))
    #expect(shell("rm \(mount)/filled && truncate -s 1000 \(mount)/more").code == 0)
    verifyThatAllGoesOn()
  }

  @Test func filesFillIt() {
    // Somebody else leaves 2 MB, beside what ext4 keeps for root.
    let taken = shell(
      """
      fallocate -l $(($(df --output=avail -B1 \(disk.path) | tail -n 1) - 2000000)) \(disk.path)/taken &&
        mkdir \(mount)/d
      """)
    #expect(taken.code == 0, "\(taken.output)")
    let made = shell(
      """
      cd \(mount)/d || exit
      i=0; while : > $(printf '%0200d' $i); do i=$((i+1)); done; ls | wc -l
      """)
    #expect(made.output.contains("No space left on device"))
    let removed = shell("rm -r \(mount)/d && rm \(disk.path)/taken")
    #expect(removed.code == 0, "\(removed.output)")
    verifyThatAllGoesOn()
  }

  @Test func forksOnAFullDiskComeOrFail() {
    #expect(fill("filled").contains("No space left on device"))
    var forks: [String] = []
    for index in 0..<200 {
      let result = store.tine("fork prod f\(index)")
      guard result.code == 0 else {
        #expect(result.output.contains("the disk of the store is full"), "\(result.output)")
        break
      }
      forks.append("f\(index)")
    }
    for fork in forks { #expect(store.tine("drop \(fork)").code == 0) }
    #expect(shell("rm \(mount)/filled").code == 0)
    verifyThatAllGoesOn()
  }

  /// A fork takes all the space, and its origin can write again when it is dropped: nobody asks for a collection.
  @Test func aDroppedForkGivesItsSpaceBack() {
    #expect(store.tine("fork prod greedy").code == 0)
    let greedy = store.mount("greedy")
    #expect(shell("dd if=/dev/urandom of=\(greedy)/filled bs=256k").output.contains("No space left on device"))
    shell("cd \(greedy) || exit; i=0; while echo $i > f$i; do i=$((i+1)); done")
    #expect(shell("dd if=/dev/urandom of=\(mount)/new bs=1M count=8 conv=fsync").code != 0)
    #expect(store.tine("unmount greedy").code == 0 && store.tine("drop greedy").code == 0)
    let written = shell("dd if=/dev/urandom of=\(mount)/new bs=1M count=40 conv=fsync")
    #expect(written.code == 0, "\(written.output)")
    verifyThatAllGoesOn()
  }

  /// What was removed comes back as well, and so does what was dropped before the daemon was started.
  @Test func removedContentGivesItsSpaceBack() {
    for _ in 0..<3 {
      #expect(fill("filled").contains("No space left on device"))
      #expect(shell("rm \(mount)/filled").code == 0)
    }
    #expect(fill("filled").contains("No space left on device"))
    #expect(shell("stat -c %s \(mount)/filled").output.count > 8, "more than 10 MB were written")
    #expect(shell("rm \(mount)/filled").code == 0)
    store.killDaemon()
    _ = store.mount("prod")
    let written = shell("dd if=/dev/urandom of=\(mount)/new bs=1M count=30 conv=fsync")
    #expect(written.code == 0, "\(written.output)")
    verifyThatAllGoesOn()
  }

  /// What fallocate promises is free on the disk, and so is what statfs tells.
  @Test func freeSpaceIsThatOfTheDisk() {
    #expect(shell("fallocate -l 1G \(mount)/large").output.contains("No space left on device"))
    #expect(shell("fallocate --keep-size -l 1G \(mount)/large").output.contains("No space left on device"))
    #expect(shell("stat -c %s \(mount)/large").output == "0\n")
    #expect(shell("fallocate -l 10M \(mount)/small && stat -c %s \(mount)/small").output == "10485760\n")
    let free = { (path: String) in Int(shell("df --output=avail -B1M \(path) | tail -1 | tr -d ' \n'").output) ?? -1 }
    #expect(free(mount) > 0 && abs(free(mount) - free(disk.path)) <= 1)
  }

  /// What was acknowledged is there after a restart on a disk that is still full.
  @Test func aFullStoreOpensAgain() {
    #expect(fill("filled").contains("No space left on device"))
    store.killDaemon()
    let again = store.mount("prod")
    #expect(again == mount)
    #expect(isKeptWhole())
    #expect(shell("rm \(mount)/filled").code == 0)
    verifyThatAllGoesOn()
  }
}

/// A disk that somebody else fills to the last byte while no daemon runs.
@Suite(
  .enabled(if: TineStore.canMount && SmallDisk.isPossible, "it needs /dev/fuse, root, and loop devices with ext4"),
  .serialized)
struct FilledDiskTests {
  /// What only reads works, and what frees space frees it, once or again and again.
  @Test(arguments: SmallDisk.Kind.allCases, [true, false])
  func itCanBeFreed(kind: SmallDisk.Kind, closing: Bool) throws {
    let disk = try SmallDisk(kind, megabytes: 80)
    let store = TineStore(at: disk.path + "/store")
    let other = TemporaryDirectory()
    let made = shell(
      """
      mkdir \(other.path)/tree && dd if=/dev/urandom of=\(other.path)/tree/file bs=1M count=20 && \(store.command("init")) &&
        \(store.command("import a \(other.path)/tree")) && \(store.command("fork a b")) && \(store.command("fork --empty kept"))
      """)
    try #require(made.code == 0, "\(made.output)")
    let mount = store.mount("kept")
    shell("echo kept > \(mount)/file && sync \(mount)/file && for i in $(seq 100); do echo $i > \(mount)/$i; done")
    if closing { #expect(store.tine("stop").code == 0) } else { store.killDaemon() }
    shell(
      """
      umount -l \(mount)
      dd if=/dev/zero of=\(disk.path)/filled bs=1M; dd if=/dev/zero bs=1 >> \(disk.path)/filled
      """)
    for commandLine in [
      "list", "show a", "log kept", "diff a b", "check", "export a \(other.path)/out", "drop a", "drop b",
    ] {
      let result = store.tine(commandLine)
      #expect(result.code == 0, "\(commandLine): \(result.output)")
      // What is given back is taken at once.
      shell("dd if=/dev/zero bs=64k >> \(disk.path)/filled")
    }
    #expect(shell("cmp \(other.path)/tree/file \(other.path)/out/file").code == 0)
    let again = store.mount("kept")
    #expect(shell("cat \(again)/file && rm \(again)/?").output.contains("kept"))
    let collected = store.tine("gc")
    #expect(collected.code == 0 && collected.output.contains("MiB"), "\(collected.output)")
    let written = shell("dd if=/dev/urandom of=\(again)/new bs=1M count=8 conv=fsync && cat \(again)/file \(again)/99")
    #expect(written.code == 0 && written.output.contains("99"), "\(written.output)")
    #expect(store.tine("stop").code == 0)
    let checked = store.tine("check")
    #expect(checked.code == 0, "\(checked.output)")
  }
}

/// A file system of its own, in memory or ext4 on a loop device, which goes with its owner.
final class SmallDisk {
  enum Kind: String, CaseIterable { case tmpfs, ext4 }

  private let directory = TemporaryDirectory()
  var path: String { directory.appending("disk") }
  /// A file beside the disk.
  var reference: String { directory.appending("reference") }

  static let isPossible = shell("which mkfs.ext4 losetup && losetup -f").code == 0

  init(_ kind: Kind, megabytes: Int) throws {
    let mount =
      switch kind {
      case .tmpfs: "mount -t tmpfs -o size=\(megabytes)m none \(path)"
      case .ext4:
        """
        truncate -s \(megabytes)M \(directory.path)/image && mkfs.ext4 -q \(directory.path)/image &&
          mount -o loop \(directory.path)/image \(path)
        """
      }
    let made = shell("chmod 755 \(directory.path) && mkdir \(path) && \(mount)")
    try #require(made.code == 0, "\(made.output)")
  }

  deinit { shell("umount \(path) || umount -l \(path)") }
}
