import Foundation
import Testing

/// Stores and mounts of somebody who is not root: fusermount3 mounts for them.
@Suite(.enabled(if: canMount && geteuid() == 0, "needs /dev/fuse, and root to become somebody else"))
struct UnprivilegedTests {
  private let stage: Stage

  init() throws {
    stage = try Stage()
    try write(
      "as-nobody",
      """
      cd \(stage.directory)/home
      export TINE_STORE=$PWD/store TMPDIR=$PWD HOME=$PWD PATH=\(stage.directory)/bin:$PATH
      exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -e "$@"
      """)
    let made = try stage.run(
      """
      chmod 755 . && mkdir bin home && cp "$(command -v tine)" "$(command -v tined)" bin && chown 65534:65534 home &&
        mknod -m 666 open-fuse c 10 229 && mknod -m 600 closed-fuse c 10 229
      """)
    try #require(made == [])
  }

  private func write(_ name: String, _ script: String) throws {
    try (script + "\n").write(toFile: "\(stage.directory)/\(name)", atomically: true, encoding: .utf8)
  }

  @Test func theyForkTheirOwnAndRootDoesNotLookIn() throws {
    defer { stage.close() }
    try write(
      "fork",
      """
      mkdir source mount try
      echo one > source/file
      tine init
      tine import prod source
      tine mount prod mount
      echo two >> mount/file
      stat -c '%u %g %a' mount/file
      tine fork prod try
      tine mount try try
      echo three >> try/file
      tine diff prod try --patch
      findmnt -n -o FSTYPE,OPTIONS try
      """)
    try write("end", "tine unmount mount; tine unmount try; tine check > /dev/null; tine stop")
    let lines = try stage.run(
      """
      unshare --mount sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../fork
        ls home/try 2> /dev/null || echo root sees nothing; sh as-nobody ../end'
      """)
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 1 entry, 4 B, as prod", "mounted prod at DIR/home/mount",
        "65534 65534 644", "forked prod as try", "mounted try at DIR/home/try",
        "--- a/file", "+++ b/file", "@@ -1,2 +1,3 @@", " one", " two", "+three",
        "fuse.tine rw,nosuid,nodev,relatime,user_id=65534,group_id=65534,default_permissions", "root sees nothing",
        "unmounted DIR/home/mount", "unmounted DIR/home/try", "the daemon has ended",
      ])
  }

  @Test func aDeviceThatIsClosedToThemIsNamed() throws {
    defer { stage.close() }
    try write(
      "mount",
      """
      mkdir source mount
      tine init
      tine import prod source
      tine mount prod mount || code=$?
      tine stop
      exit $code
      """)
    let lines = try stage.run(
      "unshare --mount sh -e -c 'mount --bind closed-fuse /dev/fuse; sh as-nobody ../mount'")
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 0 entries, 0 B, as prod",
        "error: DIR/home/mount: /dev/fuse may not be opened",
        "hint: let everybody open it, as is usual: 'chmod 666 /dev/fuse' as root", "the daemon has ended", "[1]",
      ])
  }

  @Test func nothingIsLeftOfTheirAttempts() throws {
    defer { stage.close() }
    let seconds = "9\(UInt32.random(in: 1_000_000...9_999_999))"
    try write(
      "attempts",
      """
      mkdir source place
      echo one > source/file
      tine init
      tine import prod source
      tine run --from prod -- sh -c 'env -i setsid sleep \(seconds) & cat file'
      tine run --from prod --at $PWD/place -- sh -c 'env -i setsid sleep \(seconds) & cat file; pwd'
      tine run --from prod -- sh -c 'echo $$ > ../../../running; env -i setsid sleep \(seconds) & sleep \(seconds)' &
      while [ ! -s running ]; do sleep 0.01; done
      kill -9 $!
      left() { ps ax -o args | grep -q "^sleep \(seconds)" || tine list | grep -q run- || grep -q "$PWD" /proc/mounts; }
      for i in $(seq 1 400); do left || break; sleep 0.05; done
      tine list --json | grep -c '"name"'
      ps ax -o args | grep -c "^sleep \(seconds)" || true
      tine stop
      """)
    let lines = try stage.run(
      "unshare --mount sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../attempts 2>&1' | grep -v Killed")
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 1 entry, 4 B, as prod", "one", "nothing changed", "one",
        "DIR/home/place", "nothing changed", "1", "0", "the daemon has ended",
      ])
  }
}
