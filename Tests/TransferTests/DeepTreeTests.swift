import FileSystem
import Glibc
import Store
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Transfer

/// Trees whose paths are longer than any call takes, and deeper than a process may have files open or stack for.
/// In memory, for some file systems take a millisecond and more to remove each directory.
struct DeepTreeTests {
  struct Shape: CustomTestStringConvertible {
    let levels: Int
    let nameLength: Int
    var name: [UInt8] { [UInt8](repeating: UInt8(ascii: "d"), count: nameLength) }
    var testDescription: String { "\(levels) levels of \(nameLength) bytes" }
  }

  static let shapes = [
    Shape(levels: 300, nameLength: 20), Shape(levels: 20000, nameLength: 1), Shape(levels: 2000, nameLength: 255),
  ]

  /// Makes one directory in the other, with a file and a link at the bottom.
  private func make(_ shape: Shape, _ stage: TransferStage) throws {
    stage.make("source", "echo keep > keep")
    var current = try top("source", stage)
    for _ in 0..<shape.levels { current = try current.makeDirectory(shape.name) }
    let file = try current.open(Array("file".utf8), O_WRONLY | O_CREAT | O_EXCL, 0o640)
    #expect(write(file.rawValue, "bottom", 6) == 6)
    try current.link(Array("file".utf8), to: try top("source", stage), as: Array("again".utf8))
    try current.symlink(Array("file".utf8), Array("link".utf8))
  }

  private func top(_ name: String, _ stage: TransferStage) throws -> HostDirectory {
    try HostDirectory(FileDescriptor(opening: stage.path(name), flags: O_RDONLY | O_DIRECTORY), at: TreePath([]))
  }

  /// The directory at the bottom.
  private func bottom(_ shape: Shape, of name: String, _ stage: TransferStage) throws -> HostDirectory {
    var current = try top(name, stage)
    for _ in 0..<shape.levels { current = try current.openDirectory(shape.name) }
    return current
  }

  private static func openFiles() -> Int { Int(shell("ls /proc/\(getpid())/fd | wc -l").output.dropLast()) ?? .max }

  @Test(arguments: shapes)
  func aDeepTreeGoesBothWays(_ shape: Shape) throws {
    let stage = try TransferStage(inMemory: true)
    try make(shape, stage)
    // The most files that were open, looked at now and then; other tests have some open as well.
    let most = Atomic(0)
    let observe: @Sendable (TransferProgress) -> Bool = { step in
      if step.entries % 1000 == 300 {
        most.store(max(most.load(ordering: .relaxed), Self.openFiles()), ordering: .relaxed)
      }
      return true
    }
    let imported = try stage.importSource(progress: observe)
    #expect(imported.entries == shape.levels + 4)
    let report = try stage.export(progress: observe)
    #expect(report.total.entries == imported.entries)
    #expect(report.leftOut == [])
    let bottom = try bottom(shape, of: "target", stage)
    #expect(Set(try bottom.names()) == [Array("file".utf8), Array("link".utf8)])
    let status = try bottom.status(of: Array("file".utf8))
    #expect(status.st_size == 6 && status.st_nlink == 2 && status.st_mode & 0o777 == 0o640)
    #expect(most.load(ordering: .relaxed) < 800)
    try stage.store.close()
  }

  @Test(arguments: shapes.prefix(2))
  func aCanceledExportOfADeepTreeLeavesNothing(_ shape: Shape) throws {
    let stage = try TransferStage(inMemory: true)
    try make(shape, stage)
    try stage.importSource()
    let limit = UInt64(shape.levels) * 3 / 2
    // Directories count when they are left, so this is on the way up.
    let canceled = failure { try stage.export { $0.entries < limit / 2 } }
    #expect(canceled?.isCancellation == true)
    #expect(canceled?.leavesRemains == false)
    stage.make("empty", "chmod 750 .")
    let filling = failure { try stage.fill("empty") { $0.entries < limit / 2 } }
    #expect(filling?.isCancellation == true)
    #expect(stage.names == ["empty", "source", "store"])
    #expect(shell("ls -A '\(stage.path("empty"))'").output == "")
    try stage.store.close()
  }

  @Test func aMessageNamesTheEndOfALongPath() throws {
    let path = { (text: String) in Array(text.utf8) }
    var place = TreePath(path("/"))
    #expect(place.bytes == path("/"))
    for number in 0..<500_000 { place = TreePath(path("\(number)"), in: place) }
    let shown = place.bytes
    #expect(shown.count <= 4100)
    #expect(shown.starts(with: path(".../")) && shown.suffix(13) == path("499998/499999"))
    #expect(TreePath(path("b"), in: TreePath(path("a"), in: TreePath(path("/")))).bytes == path("/a/b"))
    #expect(TreePath(path("b"), in: TreePath(path("/a/"))).bytes == path("/a/b"))
  }
}
