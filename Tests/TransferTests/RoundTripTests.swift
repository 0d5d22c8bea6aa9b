import FileSystem
import Store
import TestSupport
import Testing

@testable import Transfer

@Suite struct RoundTripTests {
  private let directory = TemporaryDirectory()
  private var source: String { directory.appending("source") }

  private func makeStore() throws -> Store {
    try Store.create(at: directory.appending("store"))
    return try Store.open(at: directory.appending("store"))
  }

  /// Lists everything that an import keeps: type, permissions, owner, size, times, links, content.
  private func fingerprint(_ path: String) -> String {
    let (code, output) = shell(
      """
      cd '\(path)' && find . -mindepth 1 -printf '%P %y %m %U %G %s %n %T@ %l\\n' | sed -E 's/( d [0-7]+ [0-9]+ [0-9]+) [0-9]+/\\1/' \
        | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
      """)
    #expect(code == 0, "\(output)")
    return output
  }

  @Test func whatIsImportedIsExportedTheSame() throws {
    let made = shell(
      """
      set -e; mkdir '\(source)'; cd '\(source)'
      mkdir -p a/b/c empty; echo hello > a/hello; ln a/hello a/b/again; ln -s ../hello a/b/link; ln -s "$(printf 'x%.0s' $(seq 2000))" long
      head -c 3000000 /dev/urandom > a/random; head -c 5000000 /dev/zero > a/zeros; truncate -s 20M a/sparse
      echo end | dd of=a/sparse bs=1 seek=15000001 conv=notrunc 2>/dev/null; : > a/nothing; head -c 4096 /dev/urandom > a/page
      mkfifo a/fifo; chmod 4755 a/page; chmod 700 empty; touch -d '1969-07-20 20:17:40.123456789' a/hello
      touch "$(printf 'name\\377\\nwith bytes')"; for i in $(seq 300); do echo $i > a/b/c/file$i; done
      touch -d '2001-02-03' a/b/c empty
      """)
    #expect(made.code == 0, "\(made.output)")
    let store = try makeStore()
    let imported = try importDirectory(source, into: store, as: "prod")
    #expect(imported.total.entries > 300)
    let target = directory.appending("target")
    try exportDirectory(try Reference("prod"), of: store, to: target)
    let (before, after) = (fingerprint(source).split(separator: "\n"), fingerprint(target).split(separator: "\n"))
    #expect(after.difference(from: before).map { "\($0)" } == [])
    #expect(try store.check().problems.map(\.message) == [])
    #expect(try store.diff(Reference("prod"), Reference("prod")).isEmpty)
    try store.close()
  }

  /// Access control lists were left out, and what a list denied to its owning group was then allowed.
  @Test(.enabled(if: shell("command -v setfacl getfattr").code == 0, "needs setfacl(1) and getfattr(1)"))
  func attributesAndListsGoBothWays() throws {
    let made = shell(
      """
      set -e; mkdir '\(source)'; cd '\(source)'
      mkdir d; echo 1 > plain; cp plain d/listed; cp plain d/plain; setfacl -m u:5:rw,g:6:r,g::- d/listed
      setfattr -n user.name -v value plain; setfattr -n user.long -v "$(printf 'x%.0s' $(seq 3000))" d
      setfacl -d -m u:7:rwx d; setfacl -m u:8:rwx .
      """)
    #expect(made.code == 0, "\(made.output)")
    let list = "&& getfacl -Rp . && getfattr -Rd -m - . | sort"
    let store = try makeStore()
    try importDirectory(source, into: store, as: "prod")
    let target = directory.appending("target")
    try exportDirectory(try Reference("prod"), of: store, to: target)
    #expect(shell("cd '\(target)' \(list)") == shell("cd '\(source)' \(list)"))
    #expect(try store.check().problems.map(\.message) == [])
    try store.close()
  }

  @Test func aCanceledImportLeavesNothing() throws {
    let made = shell("mkdir '\(source)' && cd '\(source)' && for i in $(seq 100); do echo $i > $i; done")
    #expect(made.code == 0)
    let store = try makeStore()
    let failure = #expect(throws: StoreError.self) {
      try importDirectory(source, into: store, as: "prod") { $0.entries < 20 }
    }
    #expect(failure?.kind == .canceled, "\(failure?.message ?? "")")
    #expect(store.heads().isEmpty)
    try importDirectory(source, into: store, as: "prod")
    #expect(store.heads().map(\.name) == ["prod"])
    try store.close()
  }

  @Test func whatCannotBeImportedIsSaid() throws {
    let store = try makeStore()
    let missing = #expect(throws: StoreError.self) { try importDirectory(source, into: store, as: "prod") }
    #expect(missing?.message.contains("No such file") == true)
    #expect(shell("echo > '\(source)'").code == 0)
    let file = #expect(throws: StoreError.self) { try importDirectory(source, into: store, as: "prod") }
    #expect(file?.message.contains("not a directory") == true)
    let itself = #expect(throws: StoreError.self) { try importDirectory(directory.path, into: store, as: "prod") }
    #expect(itself?.message.contains("busy") == true)
    #expect(store.heads().isEmpty)
    try store.close()
  }

  @Test func anExportDoesNotTouchWhatIsThere() throws {
    #expect(shell("mkdir '\(source)' && echo a > '\(source)/a'").code == 0)
    let store = try makeStore()
    try importDirectory(source, into: store, as: "prod")
    let failure = #expect(throws: StoreError.self) {
      try exportDirectory(try Reference("prod"), of: store, to: source)
    }
    #expect(failure?.kind == .conflict)
    let canceled = #expect(throws: StoreError.self) {
      try exportDirectory(try Reference("prod"), of: store, to: directory.appending("target")) { _ in false }
    }
    #expect(canceled?.kind == .canceled, "\(canceled?.message ?? "")")
    #expect(shell("ls -A '\(directory.path)'").output.split(separator: "\n") == ["source", "store"])
    try store.close()
  }
}
