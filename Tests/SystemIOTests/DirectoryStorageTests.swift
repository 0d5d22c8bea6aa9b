import Glibc
import SystemIO
import TestSupport
import Testing

/// A directory of the host, as a storage.
@Suite struct DirectoryStorageTests {
  private let place = TemporaryDirectory()

  private func makeStorage() throws -> DirectoryStorage {
    try DirectoryStorage.makeDirectory(at: place.appending("a"))
    return try DirectoryStorage(opening: place.appending("a"))
  }

  /// Every call goes to the directory that was opened, wherever it is now, and none to what has its path.
  @Test func itGoesOnWhereItsDirectoryIsMoved() throws {
    let storage = try makeStorage()
    try storage.makeDirectory("d")
    #expect(rename(place.appending("a"), place.appending("b")) == 0 && mkdir(place.appending("a"), 0o700) == 0)
    try storage.open("d/one", .creating).write([1, 2, 3], at: 0)
    try storage.rename("d/one", to: "d/two")
    try storage.synchronizeDirectory("d")
    try storage.synchronizeDirectory("")
    try storage.makeDirectory("e")
    #expect(try storage.open("d/two", .reading).readExactly(3, at: 0) == [1, 2, 3])
    #expect(try Set(storage.list("")) == ["d", "e"] && storage.list("d") == ["two"])
    #expect(try storage.capacity().total > 0)
    let again = try DirectoryStorage(opening: storage.path)
    #expect(try again.list("d") == ["two"])
    try storage.remove("d/two")
    #expect(try DirectoryStorage(opening: place.appending("b")).list("d") == [])
    #expect(try DirectoryStorage(opening: place.appending("a")).list("") == [])
  }

  @Test func readersShareALockAndAWriterIsAlone() throws {
    let storage = try makeStorage()
    let first = try storage.lock("lock", .shared)
    let second = try storage.lock("lock", .shared)
    #expect(throws: Errno.wouldBlock) { _ = try storage.lock("lock", .exclusive) }
    withExtendedLifetime((first, second)) {}
  }

  @Test func aWriterKeepsReadersOut() throws {
    let storage = try makeStorage()
    let writer = try storage.lock("lock", .exclusive)
    #expect(throws: Errno.wouldBlock) { _ = try storage.lock("lock", .shared) }
    withExtendedLifetime(writer) {}
  }
}
