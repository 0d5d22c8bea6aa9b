import Glibc
import TestSupport
import Testing

@testable import SystemIO

/// A small file that others may have replaced by anything.
@Suite struct SmallFileTests {
  private let directory = TemporaryDirectory()
  private var file: SmallFile { SmallFile(directory.appending("record")) }

  @Test func itHoldsWhatWasWrittenLast() throws {
    #expect(try file.read() == nil)
    try file.replace(with: [1, 2, 3])
    try file.replace(with: [4])
    #expect(try file.read() == [4])
    #expect(throws: Errno.fileTooLarge) { try SmallFile(file.path).read(limit: 0) }
    try file.remove()
    try file.remove()
    #expect(try file.read() == nil)
  }

  @Test(arguments: [
    "mkdir record", "mkdir -p record/full record.aside-1", "mkfifo record", "ln -s elsewhere record",
    "ln -s record record", "mkdir record.new", "mkfifo record.new", "ln -s elsewhere record.new",
  ])
  func whatHasTakenItsPlaceGivesWay(obstacle: String) throws {
    #expect(shell("cd \(directory.path) && echo untouched > elsewhere && \(obstacle)").code == 0)
    if !obstacle.hasSuffix(".new") { #expect(throws: Errno.self) { try file.read() } }
    try file.replace(with: [1])
    #expect(try file.read() == [1])
    #expect(shell("cat \(directory.path)/elsewhere").output == "untouched\n")
  }

  @Test func aDirectoryWithContentIsPutAside() throws {
    #expect(shell("mkdir -p \(file.path)/full").code == 0)
    try file.remove()
    #expect(shell("ls \(directory.path) \(directory.path)/record.aside-1").output.contains("full"))
  }
}
