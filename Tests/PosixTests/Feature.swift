import Glibc
import PosixCalls
import SystemIO
import Testing

/// What not every file system can do. On a fork it is not looked for, so that nothing can get lost there: it can do all
/// of it, except what the kernel does not pass on to FUSE. Elsewhere it is tried.
enum Feature: CaseIterable {
  case whiteouts, subdirectoryCounts, largeAttributes, shiftedOwners, collapse, insert, zero
  case handles, longLinks, accessControlLists, largestSize, farTimes

  var isThere: Bool {
    guard let directory = Ground.given else { return self != .collapse && self != .insert }
    let path = directory / "probe-\(UInt64.random(in: 0 ... .max))"
    defer { try? path.removeTree() }
    return (try? probe(path)) ?? false
  }

  private func probe(_ path: Path) throws(Errno) -> Bool {
    try path.makeDirectory()
    let file = try (path / "file").create()
    switch self {
    case .whiteouts: try (path / "file").rename(to: path / "new", .whiteout)
    case .subdirectoryCounts: return try path.status().links == 2
    case .largeAttributes:
      try (path / "file").setAttribute("user.large", to: [UInt8](repeating: 1, count: 65536))
    case .shiftedOwners:
      try (path / "shifted").makeDirectory()
      _ = try ShiftedMount(of: path, at: path / "shifted")
    case .collapse, .insert, .zero:
      try file.write([UInt8](repeating: 1, count: 4 << 16))
      let modes: [Feature: AllocationMode] = [.collapse: .collapse, .insert: .insert, .zero: .zero]
      try file.allocate(modes[self]!, at: 1 << 16, count: 1 << 16)
    case .handles: _ = try path.handle()
    case .longLinks: try (path / "link").makeSymbolicLink(to: Path([UInt8](repeating: 0x61, count: 4095)))
    case .accessControlLists:
      try path.setAccessControlList(.init([.init(.owner, 7), .init(.owningGroup, 7), .init(.other, 7)]), .default)
    case .farTimes:
      let far = FileTime(253_402_300_799)
      try path.setTimes(accessed: .omit, modified: .at(far))
      return try path.status().modified == far
    case .largestSize: try file.truncate(to: .max)
    }
    return true
  }
}

extension Trait where Self == ConditionTrait {
  static func needs(_ feature: Feature) -> Self {
    .enabled(if: feature.isThere, "the file system lacks \(feature)")
  }
}
