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
    disk = try SmallDisk(megabytes: 80)
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
    #expect(fill("filled").contains("No space left on device"))
    let made = shell(
      "mkdir -p \(mount)/d && cd \(mount)/d || exit; i=0; while : > $(printf '%0200d' $i); do i=$((i+1)); done; ls | wc -l"
    )
    #expect(made.output.contains("No space left on device"))
    #expect(shell("rm -r \(mount)/d \(mount)/filled").code == 0)
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

/// A file system of its own, ext4 on a loop device, which goes with its owner.
private final class SmallDisk {
  private let directory = TemporaryDirectory()
  var path: String { directory.appending("disk") }
  /// A file beside the disk.
  var reference: String { directory.appending("reference") }

  static let isPossible = shell("which mkfs.ext4 losetup && losetup -f").code == 0

  init(megabytes: Int) throws {
    let made = shell(
      """
      chmod 755 \(directory.path) && truncate -s \(megabytes)M \(directory.path)/image && mkfs.ext4 -q \(directory.path)/image &&
        mkdir \(path) && mount -o loop \(directory.path)/image \(path)
      """)
    try #require(made.code == 0, "\(made.output)")
  }

  deinit { shell("umount \(path) || umount -l \(path)") }
}
