import Glibc
import PosixCalls
import SystemIO

/// A kind of file, as tables name it.
enum Kind: String, CaseIterable, Sendable {
  case file, directory, fullDirectory, link, danglingLink, pipe, socket, device

  func make(_ path: Path) throws(Errno) {
    switch self {
    case .file: try path.setContent(Array("content".utf8))
    case .directory: try path.makeDirectory()
    case .fullDirectory:
      try path.makeDirectory()
      try (path / "entry").setContent([])
    case .link: try path.makeSymbolicLink(to: ".")
    case .danglingLink: try path.makeSymbolicLink(to: "nowhere")
    case .pipe, .socket: try path.makeNode(mode: mode | 0o644)
    case .device: try path.makeNode(mode: mode | 0o644, device: deviceNumber(1, 3))
    }
  }

  /// The type bits of the mode.
  var mode: mode_t {
    switch self {
    case .file: S_IFREG
    case .directory, .fullDirectory: S_IFDIR
    case .link, .danglingLink: S_IFLNK
    case .pipe: S_IFIFO
    case .socket: S_IFSOCK
    case .device: S_IFCHR
    }
  }

  var isDirectory: Bool { mode == S_IFDIR }
}

/// The error that a call fails with; nil where it succeeds.
func failure(_ call: () throws -> Void) throws -> Errno? {
  do {
    try call()
    return nil
  } catch let error as Errno {
    return error
  }
}

/// Bytes that are not zero, other ones on every page: at most a MiB.
func pattern(_ count: Int, seed: Int = 1) -> [UInt8] { Array(patternSource[seed..<seed + count]) }

private let patternSource: [UInt8] = {
  var number: UInt32 = 1
  return (0..<(1 << 20) + 256).map { _ in
    number = number &* 1_664_525 &+ 1_013_904_223
    return UInt8(number >> 24) | 1
  }
}()

/// The number of a device as mknod(2) takes it.
func deviceNumber(_ major: UInt64, _ minor: UInt64) -> dev_t {
  let low: UInt64 = minor & 0xff | (major & 0xfff) << 8
  return dev_t(low | (minor & ~0xff) << 12 | (major & ~0xfff) << 32)
}

/// Returns when the clock that files are marked with has moved on. Some file systems tell no finer times apart.
func awaitTick() {
  let start = FileTime.clock
  while FileTime.clock == start { sched_yield() }
}
