import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// Device nodes, FIFOs and sockets.
  @Suite struct NodeTests {
    let place: Place
    init() throws { place = try Place() }

    @Test(
      arguments: [
        (S_IFCHR, 1, 3), (S_IFBLK, 7, 0), (S_IFCHR, 0, 0), (S_IFCHR, 259, 70_000), (S_IFBLK, 4095, 1_048_575),
      ] as [(mode_t, UInt64, UInt64)])
    func devicesKeepTheirNumbers(kind: mode_t, major: UInt64, minor: UInt64) throws {
      try (place / "node").makeNode(mode: kind | 0o640, device: deviceNumber(major, minor))
      let status = try (place / "node").status()
      #expect(status.kind == kind && status.permissions == 0o640)
      #expect(status.specialDevice == major << 32 | minor)
      let caller = try Caller(user: 1000, group: 1000)
      let error = try failure {
        try caller.run { try (place / "other").makeNode(mode: kind, device: deviceNumber(major, minor)) }
      }
      #expect(error == (kind == S_IFCHR && major == 0 ? nil : .notPermitted), "all may make a whiteout")
    }

    @Test func devicesWork() throws {
      try (place / "zero").makeNode(mode: S_IFCHR | 0o666, device: deviceNumber(1, 5))
      try (place / "full").makeNode(mode: S_IFCHR | 0o666, device: deviceNumber(1, 7))
      #expect(try (place / "zero").open(O_RDWR).read(4) == [0, 0, 0, 0])
      #expect(throws: Errno.noSpace) { try (place / "full").open(O_RDWR).write([1]) }
      try (place / "none").makeNode(mode: S_IFCHR | 0o666, device: deviceNumber(4000, 5))
      #expect(throws: Errno.noSuchDeviceOrAddress) { try (place / "none").open(O_RDONLY) }
    }

    @Test func pipesCarryBytesBetweenProcesses() throws {
      let path = place / "pipe"
      try path.makeNode(mode: S_IFIFO | 0o600)
      #expect(throws: Errno.noSuchDeviceOrAddress) { try path.open(O_WRONLY | O_NONBLOCK) }
      let peer = try Peer()
      peer.start("pipe \(path) hello")
      #expect(try path.open(O_RDONLY).read(100) == Array("hello".utf8))
      try peer.finish()
      #expect(try path.status().size == 0)
    }

    @Test func socketsCarryBytes() throws {
      let path = place / "socket"
      var address = try #require(socketAddress(path))
      let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { for descriptor in [listener, client] { close(descriptor) } }
      func withAddress(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws {
        _ = try withUnsafeBytes(of: &address) { bytes in
          try retryingInterrupts {
            call(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
          }
        }
      }
      try withAddress { bind(listener, $0, $1) }
      #expect(try path.status().kind == S_IFSOCK)
      #expect(throws: Errno(rawValue: ECONNREFUSED)) { try withAddress { connect(client, $0, $1) } }
      #expect(throws: Errno(rawValue: EADDRINUSE)) { try withAddress { bind(client, $0, $1) } }
      try retryingInterrupts { listen(listener, 1) }
      try withAddress { connect(client, $0, $1) }
      let accepted = try retryingInterrupts { accept(listener, nil, nil) }
      defer { close(accepted) }
      #expect(write(client, "text", 4) == 4)
      var bytes = [UInt8](repeating: 0, count: 10)
      #expect(read(accepted, &bytes, 10) == 4)
      #expect(throws: Errno.noSuchDeviceOrAddress) { try path.open(O_RDWR) }
    }

    /// Nil where the path is too long for one.
    private func socketAddress(_ path: Path) -> sockaddr_un? {
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      return withUnsafeMutableBytes(of: &address.sun_path) { room in
        guard room.count > path.bytes.count else { return false }
        room.copyBytes(from: path.bytes)
        return true
      } ? address : nil
    }
  }
}
