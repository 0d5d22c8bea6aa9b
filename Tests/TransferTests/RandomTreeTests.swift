import FileSystem
import Glibc
import Store
import SystemIO
import TestSupport
import Testing

@testable import Transfer

/// Random trees of everything that a directory can hold, compared with what `cp -a` makes of them.
@Suite(.enabled(if: Need.root && Need.lists, "needs root, acl and attr"))
struct RandomTreeTests {
  @Test(arguments: [UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)])
  func aTreeComesOutAsACopyOfIt(seed: UInt64) throws {
    let stage = try TransferStage()
    stage.make("source", "true")
    var tree = RandomTree(seed: seed)
    let top = try HostDirectory(
      FileDescriptor(opening: stage.path("source"), flags: O_RDONLY | O_DIRECTORY), at: TreePath([]))
    try tree.fill(top, depth: 0)
    try tree.describe(top.node, isDirectory: true, isLink: false)
    #expect(shell("cp -a '\(stage.path("source"))' '\(stage.path("copy"))'").code == 0)
    try stage.importSource()
    #expect(try stage.export().leftOut == [])
    shell("mkdir '\(stage.path("filled"))'")
    #expect(try stage.fill("filled").leftOut == [])
    let copy = stage.fingerprint("copy")
    for name in ["source", "target", "filled"] {
      #expect(stage.fingerprint(name).difference(from: copy).map { "\($0)" } == [], "seed \(seed), \(name)")
    }
    try stage.finish()
  }
}

private struct RandomTree {
  private var random: SeededRandom
  private var files: [(directory: HostDirectory, name: [UInt8])] = []

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  /// Any bytes but a slash and zero; new lines only make the listing that is compared unreadable.
  private mutating func name() -> [UInt8] {
    let count = random.oneIn(6) ? 255 : number(1...20)
    let name = (0..<count).map { _ in UInt8(number(1...255)) }.map { [0x2F, 0x0A, 0x5C].contains($0) ? 0x78 : $0 }
    return name == [0x2E] || name == [0x2E, 0x2E] ? [0x78] : name
  }

  mutating func fill(_ directory: HostDirectory, depth: Int) throws {
    for _ in 0..<number(depth == 0 ? 15...25 : 0...8) {
      let name = name()
      guard try !directory.holds(name) else { continue }
      switch number(0...9) {
      case 0,
        1 where depth < 5:
        let child = try directory.makeDirectory(name)
        try fill(child, depth: depth + 1)
        try describe(child.node, isDirectory: true, isLink: false)
      case 2:
        try directory.symlink((0..<number(1...300)).map { _ in UInt8(number(1...255)) }, name)
        try describe(directory.node(name), isDirectory: false, isLink: true)
        files.append((directory, name))
      case 3:
        let type = [S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK][number(0...3)]
        try directory.makeNode(name, mode: type | 0o600, device: UInt32(number(1...60000)))
        try describe(directory.node(name), isDirectory: false, isLink: false)
        files.append((directory, name))
      case 4 where !files.isEmpty:
        let file = files[number(0...files.count - 1)]
        try file.directory.link(file.name, to: directory, as: name)
      default:
        try content(directory.open(name, O_WRONLY | O_CREAT | O_EXCL, 0o600))
        try describe(directory.node(name), isDirectory: false, isLink: false)
        files.append((directory, name))
      }
    }
  }

  private mutating func content(_ file: borrowing FileDescriptor) throws {
    var offset = 0
    for _ in 0..<number(0...3) {
      if random.oneIn(3) { offset += number(0...3_000_000) }
      let bytes = random.oneIn(4) ? [UInt8](repeating: 0, count: number(0...20000)) : random.bytes(number(0...20000))
      #expect(pwrite(file.rawValue, bytes, bytes.count, off_t(offset)) == bytes.count)
      offset += bytes.count
    }
    if random.oneIn(3) { try retryingInterrupts { ftruncate(file.rawValue, off_t(offset + number(0...5_000_000))) } }
  }

  mutating func describe(_ node: HostNode, isDirectory: Bool, isLink: Bool) throws {
    if random.oneIn(2) { try node.setOwner(UInt32(number(0...70000)), UInt32(number(0...70000))) }
    if random.oneIn(4) { try node.setAttribute(Array("trusted.t\(number(0...9))".utf8), random.bytes(number(0...200))) }
    if !isLink {
      try node.setMode(UInt32(number(0...0o7777)))
      if random.oneIn(4) { try node.setAttribute(list("access"), accessControlList()) }
      if isDirectory, random.oneIn(4) { try node.setAttribute(list("default"), accessControlList()) }
    }
    func time(_ random: inout SeededRandom) -> timespec {
      timespec(
        tv_sec: Int.random(in: -2_000_000_000...4_000_000_000, using: &random),
        tv_nsec: Int.random(in: 0...999_999_999, using: &random))
    }
    try node.setTimes(accessed: time(&random), modified: time(&random))
  }

  private func list(_ kind: String) -> [UInt8] { Array("system.posix_acl_\(kind)".utf8) }

  /// The owner, a user, the owning group, a group, the mask and the others, as the kernel keeps them.
  private mutating func accessControlList() -> [UInt8] {
    var writer = ByteWriter()
    writer.integer(UInt32(2))
    for (tag, id) in [(1, UInt32.max), (2, 5), (4, .max), (8, 6), (16, .max), (32, .max)] as [(UInt16, UInt32)] {
      writer.integer(tag)
      writer.integer(UInt16(number(0...7)))
      writer.integer(id)
    }
    return writer.bytes
  }
}
