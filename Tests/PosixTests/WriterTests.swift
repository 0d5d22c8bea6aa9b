import PosixCalls
import TestSupport
import Testing

extension Posix {
  /// Many processes that write at once.
  @Suite struct WriterTests {
    let place: Place
    init() throws { place = try Place() }

    @Test func manySyncAtOnce() throws {
      let writer = "for i in $(seq 20); do echo $i >> w{}; sync w{}; done"
      let answer = shell("cd \(place.path) && seq 16 | xargs -P 16 -I{} sh -c '\(writer)' && cat w* | wc -l")
      #expect(answer.output == "320\n")
    }

    @Test func largeWritesDoNotMix() throws {
      shell("cd \(place.path) && seq 4 | xargs -P 4 -I{} sh -c \"head -c 20M /dev/zero | tr '\\0' {} > f{}\"")
      for index in 1...4 {
        let file = place / "f\(index)"
        #expect(shell("tr -d \(index) < \(file) | wc -c; stat -c %s \(file)").output == "0\n20971520\n")
      }
    }

    /// cp(1) asks where there is data, and copies within the file system.
    @Test func copiesAreEqual() throws {
      shell("cd \(place.path) && dd if=/dev/urandom of=file bs=64K count=64 status=none && truncate -s 8M file")
      #expect(shell("cd \(place.path) && cp file copy && cp --sparse=always file sparse").code == 0)
      #expect(shell("cd \(place.path) && cmp file copy && cmp file sparse && stat -c %b sparse").output == "8192\n")
    }
  }
}
