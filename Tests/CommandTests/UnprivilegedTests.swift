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
      alone sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../fork
        ls home/try 2> /dev/null || echo root sees nothing; sh as-nobody ../end'
      """)
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 1 entry, 4 B, as prod", "mounted prod at DIR/home/mount",
        "65534 65534 644", "forked prod as try", "mounted try at DIR/home/try",
        "diff --git a/file b/file", "--- a/file", "+++ b/file", "@@ -1,2 +1,3 @@", " one", " two", "+three",
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
      "alone sh -e -c 'mount --bind closed-fuse /dev/fuse; sh as-nobody ../mount'")
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 0 entries, 0 B, as prod",
        "error: DIR/home/mount: /dev/fuse may not be opened",
        "hint: let everybody open it, as is usual: 'chmod 666 /dev/fuse' as root", "the daemon has ended", "[1]",
      ])
  }

  /// What others own could not be used by whoever had imported it.
  @Test func whatTheyImportIsTheirs() throws {
    defer { stage.close() }
    let made = try stage.run(
      """
      mkdir -m 755 shared && cd shared && umask 022 && echo a > a && chmod 6755 a && mkdir d && echo b > d/b && chown 0:65534 d/b &&
        chmod 664 d/b && ln -s b d/link && mkdir -m 2775 set && chown 7:8 set && mkfifo fifo
      """)
    try #require(made == [])
    try write(
      "import",
      """
      mkdir mount kept
      tine init
      tine import prod ../shared
      tine import kept ../shared --keep-owners
      tine mount prod mount
      (cd mount && stat -c '%n %u:%g %a' . a d d/b d/link set fifo && echo more >> a && echo more >> d/b && touch set/new)
      tine mount kept kept
      (cd kept && stat -c '%n %u:%g %a' a d/b set)
      tine unmount mount
      tine unmount kept
      tine export kept out
      (cd out && stat -c '%n %u:%g %a' a d/b d/link set)
      tine stop
      """)
    let lines = try stage.run("alone sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../import'")
    #expect(
      lines.map { $0.replacing(#/, the first is DIR.home.out.*\)/#, with: ")") } == [
        "made a store in DIR/home/store", "imported 6 entries, 4 B, as prod", "imported 6 entries, 4 B, as kept",
        "mounted prod at DIR/home/mount", ". 65534:65534 755", "a 65534:65534 755", "d 65534:65534 755",
        "d/b 65534:65534 664",
        "d/link 65534:65534 777", "set 65534:65534 775", "fifo 65534:65534 644", "mounted kept at DIR/home/kept",
        "a 0:0 6755", "d/b 0:65534 664", "set 7:8 2775", "unmounted DIR/home/mount", "unmounted DIR/home/kept",
        "exported 6 entries, 4 B, from kept",
        "left out: owners, which this user may not set (7 entries)",
        "a 65534:65534 755", "d/b 65534:65534 664", "d/link 65534:65534 777", "set 65534:65534 775",
        "the daemon has ended",
      ])
  }

  /// Closed directories are filled, read-only files get their attributes, and all of it can be removed again.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setfattr"), "needs acl and attr"))
  func whatTheyCloseToThemselvesGoesOutWhole() throws {
    defer { stage.close() }
    try write(
      "close",
      #"""
      mkdir mount target && chmod 555 target
      tine init
      tine fork --empty prod
      umask 022
      tine mount prod mount
      cd mount
      mkdir -p closed/sub readable && echo a > closed/sub/a && ln closed/sub/a readable/again && echo b > readable/b
      setfattr -n user.x -v y readable/b closed; setfacl -m u:5:r readable/b; setfacl -d -m u:5:r readable
      head -c 3000000 /dev/urandom > zz; chmod 400 readable/b closed/sub/a; chmod 000 closed/sub closed; chmod 555 readable .
      touch -d 2001-02-03 readable closed zz readable/b .
      cd ..
      list() { (cd $1 && find . -printf '%p %y %m %n %s %TY\n' 2>/dev/null | sed -E 's/( d [0-7]+ [0-9]+) [0-9]+/\1/' | sort;
        (getfattr -hRPd -m - . || :; getfacl -RPp . || :) 2>/dev/null |
          awk 'BEGIN { RS = ""; FS = "\n"; OFS = "|" } { $1 = $1; print }' | sort); }
      list mount > before
      (umask 777; tine export prod out; tine export prod target)
      list out > after; list target > filled
      cmp before after && cmp before filled && grep -c user:: before
      chmod 700 out/closed && chmod 700 out/closed/sub && cat out/closed/sub/a
      mkdir small
      """#)
    try write(
      "cancel",
      """
      tine export prod small/out || echo $?
      ls -A small
      tine export prod small || echo $?
      ls -A small
      tine stop
      """)
    let lines = try stage.run(
      """
      alone sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../close
        mount -t tmpfs -o size=1M,uid=65534,mode=700 none home/small; sh as-nobody ../cancel'
      """)
    #expect(
      lines == [
        "made a store in DIR/home/store", "made the empty fork prod", "mounted prod at DIR/home/mount",
        "exported 7 entries, 2.9 MiB, from prod", "exported 7 entries, 2.9 MiB, from prod", "6", "a",
        "error: export to DIR/home/small/out/zz: the file system is full",
        "hint: free space on it, or export elsewhere", "8",
        "error: export to DIR/home/small/zz: the file system is full", "hint: free space on it, or export elsewhere",
        "8",
        "the daemon has ended",
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
      "alone sh -e -c 'mount --bind open-fuse /dev/fuse; sh as-nobody ../attempts 2>&1' | grep -v Killed")
    #expect(
      lines == [
        "made a store in DIR/home/store", "imported 1 entry, 4 B, as prod", "one", "nothing changed", "one",
        "DIR/home/place", "nothing changed", "1", "0", "the daemon has ended",
      ])
  }
}
