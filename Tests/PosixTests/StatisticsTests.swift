import Glibc
import PosixCalls
import SystemIO
import TestSupport
import Testing

extension Posix {
  /// statfs(2), and what df(1) makes of it.
  @Suite struct StatisticsTests {
    let place: Place
    init() throws { place = try Place() }

    @Test func numbersFitTogether() throws {
      let status = try place.path.fileSystemStatus()
      #expect(status.f_namemax == 255)
      #expect(status.f_bsize >= 512 && status.f_frsize >= 512 && status.f_frsize & (status.f_frsize - 1) == 0)
      #expect(status.f_blocks > 0 && status.f_bfree <= status.f_blocks && status.f_bavail <= status.f_bfree)
      #expect(status.f_ffree <= status.f_files)
      #expect(status.f_flag & UInt(ST_RDONLY) == 0)
    }

    @Test func theDiskIsUnderstood() throws {
      let answer = shell("df -P -k '\(place.path)' | tail -n 1 && df -P -i '\(place.path)' > /dev/null")
      #expect(answer.code == 0)
      let fields = answer.output.split(separator: " ", omittingEmptySubsequences: true)
      let status = try place.path.fileSystemStatus()
      #expect(fields.count >= 6 && Int(fields[1]) == Int(status.f_blocks * status.f_frsize / 1024))
    }

    @Test func blocksAreWhatIsStored() throws {
      let file = try (place / "file").create()
      try file.truncate(to: 1 << 30)
      #expect(try file.status().blocks <= 16)
      for index in 0..<16 { try file.write(pattern(65536, seed: index), at: off_t(index) << 24) }
      try file.synchronize()
      let blocks = try file.status().blocks
      #expect(blocks >= 16 * 128 && blocks <= 16 * 160)
      try file.truncate(to: 0)
      #expect(try file.status().blocks <= 8)
    }
  }
}
