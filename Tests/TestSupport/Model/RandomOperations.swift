public import FileSystem
public import Store
public import SystemIO

/// What was done and did not do what the model says.
public struct Mismatch: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// A file system and its model, on which the same random operations are done.
public struct RandomOperations {
  public var files: FileSystem
  public var model: ModelFileSystem
  /// The latest operation, for messages.
  public private(set) var latest = ""
  /// Files stay about this small, for speed.
  private let largestSize: UInt64
  private static let user = Credentials(user: 5, group: 6)

  /// - Parameter files: of a fork that has no root directory yet.
  public init(_ files: FileSystem, largestSize: UInt64 = 100_000) throws(Errno) {
    self.files = files
    self.largestSize = largestSize
    model = ModelFileSystem(mode: 0o040755)
    try files.makeRoot(mode: 0o755, Self.user)
  }

  /// - Parameter model: what the file system holds.
  public init(resuming files: FileSystem, model: ModelFileSystem, largestSize: UInt64 = 60_000) {
    self.files = files
    self.model = model
    self.largestSize = largestSize
  }

  /// The same state on another file system: a fork, or the store opened again. What had no name is gone there.
  public func moved(to files: FileSystem) throws(Errno) -> RandomOperations {
    var copy = self
    copy.files = files
    copy.model.dropNameless()
    try files.purgeOrphans()
    return copy
  }

  /// Does one operation in both, and compares what came of it.
  public mutating func step(_ random: inout SeededRandom) throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<18: try make(&random)
    case 18..<25: try unlink(&random)
    case 25..<28: try rmdir(&random)
    case 28..<38: try rename(&random)
    case 38..<42: try link(&random)
    case 42..<66: try write(&random)
    case 66..<72: try truncate(&random)
    case 72..<79: try allocate(&random)
    case 79..<84: try copyRange(&random)
    case 84..<92: try changeAttribute(&random)
    case 92..<96: try retainOrRelease(&random)
    default: try look(&random)
    }
  }

  /// Runs an operation on the file system and on the model; both must fail alike, or give the same.
  private mutating func both<Result: Equatable>(
    _ what: String, _ real: (FileSystem) throws -> Result,
    _ modelled: (inout ModelFileSystem, Result?) throws -> Result?
  ) throws {
    latest = what
    var result: Result?
    var failure: Errno?
    do { result = try real(files) } catch let error as Errno { failure = error }
    do {
      let expected = try modelled(&model, result)
      if let failure { throw Mismatch("\(what): failed with \(failure)") }
      if let expected, expected != result { throw Mismatch("\(what): gave \(result!), not \(expected)") }
    } catch let error as Errno {
      if failure != error { throw Mismatch("\(what): gave \(failure.map { "\($0)" } ?? "\(result!)"), not \(error)") }
    }
  }

  // MARK: Names

  private func directory(_ random: inout SeededRandom) -> UInt64 { model.directories.randomElement(using: &random)! }

  /// A name, which may be long; mostly one of few, so that they meet.
  private func name(_ random: inout SeededRandom) -> [UInt8] {
    let stem = [UInt8]("n\(Int.random(in: 0..<12, using: &random))".utf8)
    return random.oneIn(6) ? stem + [UInt8](repeating: 0xfe, count: 255 - stem.count) : stem
  }

  /// A name that a directory has, where it has one.
  private func taken(_ directory: UInt64, _ random: inout SeededRandom) -> [UInt8] {
    let names = model[directory].entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
    return names.randomElement(using: &random) ?? name(&random)
  }

  private mutating func make(_ random: inout SeededRandom) throws {
    let (parent, name) = (directory(&random), name(&random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0..<2:
      try both("mkdir \(parent) \(name)") {
        try $0.mkdir(parent, name, mode: 0o750, Self.user).inode
      } _: { model, inode in
        try model.make(inode ?? 0, parent, name, .init(content: .directory([:]), mode: 0o040750, links: 2))
        return inode
      }
    case 2:
      let length = random.oneIn(2) ? Int.random(in: 1...4095, using: &random) : 20
      let target = [UInt8](repeating: 0x61 + UInt8.random(in: 0..<4, using: &random), count: length)
      try both("symlink \(parent) \(name)") {
        try $0.symlink(parent, name, target: target, Self.user).inode
      } _: {
        model, inode in
        var node = ModelFileSystem.Node(content: .link(target), mode: 0o120777, links: 1)
        node.size = UInt64(length)
        try model.make(inode ?? 0, parent, name, node)
        return inode
      }
    default:
      try both("mknod \(parent) \(name)") {
        try $0.mknod(parent, name, mode: 0o100640, device: 0, Self.user).inode
      } _: { model, inode in
        try model.make(inode ?? 0, parent, name, .init(content: .file([:]), mode: 0o100640, links: 1))
        return inode
      }
    }
  }

  private mutating func unlink(_ random: inout SeededRandom) throws {
    let parent = directory(&random)
    let name = taken(parent, &random)
    try both("unlink \(parent) \(name)") {
      try $0.unlink(parent, name); return true
    } _: { model, _ in
      try model.unlink(parent, name)
      return true
    }
  }

  private mutating func rmdir(_ random: inout SeededRandom) throws {
    let parent = directory(&random)
    let name = taken(parent, &random)
    try both("rmdir \(parent) \(name)") {
      try $0.rmdir(parent, name); return true
    } _: { model, _ in
      try model.rmdir(parent, name)
      return true
    }
  }

  private mutating func rename(_ random: inout SeededRandom) throws {
    let (parent, newParent) = (directory(&random), directory(&random))
    let name = taken(parent, &random)
    let newName = random.oneIn(2) ? taken(newParent, &random) : self.name(&random)
    let flags: UInt32 = [0, 0, 1, 2, 4, 5, 3, 6, 8].randomElement(using: &random)!
    try both("rename \(parent) \(name) to \(newParent) \(newName), flags \(flags)") {
      try $0.rename(parent, name, to: newParent, newName, flags: flags, Self.user)
      return flags & 4 == 0 ? 0 : try $0.lookup(parent, name).inode
    } _: { model, left in
      try model.rename(parent, name, to: newParent, newName, flags: flags, whiteout: left ?? 0)
      return left
    }
  }

  private mutating func link(_ random: inout SeededRandom) throws {
    let named = model.inodes.filter { model[$0].links > 0 }
    let (inode, parent, name) = (named.randomElement(using: &random)!, directory(&random), name(&random))
    try both("link \(inode) as \(parent) \(name)") {
      try $0.link(inode, parent, name).inode
    } _: { model, _ in
      try model.link(inode, parent, name)
      return inode
    }
  }

  private mutating func retainOrRelease(_ random: inout SeededRandom) throws {
    if random.oneIn(2), let inode = model.users.keys.sorted().randomElement(using: &random) {
      try both("release \(inode)") {
        try $0.release(inode); return true
      } _: { model, _ in
        model.release(inode)
        return true
      }
    } else {
      let inode = model.inodes.randomElement(using: &random)!
      files.retain(inode)
      model.retain(inode)
    }
  }

  // MARK: Content

  private func offset(_ random: inout SeededRandom) -> UInt64 {
    let offset = UInt64.random(in: 0..<largestSize, using: &random)
    if random.oneIn(20) { return offset + 1 << 40 }
    return random.oneIn(2) ? offset / 4096 * 4096 : offset
  }

  /// Bytes to write: random, compressible, zeros, or pages that were written before.
  private func bytes(_ random: inout SeededRandom) -> [UInt8] {
    let count =
      random.oneIn(2) ? Int.random(in: 1..<20_000, using: &random) : 4096 * Int.random(in: 1...8, using: &random)
    let seed = UInt8.random(in: 0..<8, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return random.bytes(count)
    case 1: return [UInt8](repeating: 0, count: count)
    case 2: return (0..<count).map { UInt8(truncatingIfNeeded: $0 / 4096) &+ seed }
    default: return [UInt8](repeating: seed, count: count)
    }
  }

  private mutating func write(_ random: inout SeededRandom) throws {
    guard let inode = model.files.randomElement(using: &random) else { return }
    let (offset, bytes) = (offset(&random), bytes(&random))
    try both("write \(inode) at \(offset), \(bytes.count)") { files in
      try bytes.withUnsafeBytes { (buffer) throws -> Int in try files.write(inode, at: offset, buffer) }
    } _: { model, _ in
      model[inode].write(at: offset, bytes)
      return bytes.count
    }
  }

  private mutating func truncate(_ random: inout SeededRandom) throws {
    let (inode, size) = (model.inodes.randomElement(using: &random)!, offset(&random))
    try both("truncate \(inode) to \(size)") { files in
      var change = AttributeChange()
      change.size = size
      return try files.setattr(inode, change).size
    } _: { model, _ in
      guard model[inode].isFile else { throw model[inode].isDirectory ? Errno.isDirectory : Errno.invalidArgument }
      model[inode].setSize(size)
      return size
    }
  }

  private mutating func allocate(_ random: inout SeededRandom) throws {
    let inode = model.inodes.randomElement(using: &random)!
    let mode: Int32 = [0, 1, 3, 3, 16, 17, 8].randomElement(using: &random)!
    let (offset, length) = (offset(&random), UInt64.random(in: 0..<40_000, using: &random))
    try both("fallocate \(inode) mode \(mode) at \(offset), \(length)") {
      try $0.fallocate(inode, mode: mode, offset: offset, length: length)
      return true
    } _: { model, _ in
      guard length > 0 else { throw Errno.invalidArgument }
      guard mode != 8 else { throw Errno.notSupported }
      guard model[inode].isFile else { throw Errno.noDevice }
      if mode > 1 { model[inode].zero(from: offset, to: offset + length) }
      if mode & 1 == 0 { model[inode].size = max(model[inode].size, offset + length) }
      return true
    }
  }

  private mutating func copyRange(_ random: inout SeededRandom) throws {
    guard let source = model.files.randomElement(using: &random), let target = model.files.randomElement(using: &random)
    else { return }
    let (from, to) = (offset(&random), offset(&random))
    let length = UInt64.random(in: 0..<50_000, using: &random)
    try both("copy \(source) at \(from) to \(target) at \(to), \(length)") {
      try $0.copyFileRange(source, at: from, to: target, at: to, length: length)
    } _: { model, copied in
      let available = model[source].size > from ? min(length, model[source].size - from) : 0
      if available == 0 { return 0 }
      if source == target, from < to + available, to < from + available { throw Errno.invalidArgument }
      // How much one call copies is its own affair, but it gets on.
      guard let copied, copied > 0, copied <= available else { return available }
      model[target].write(at: to, model[source].read(at: from, count: Int(copied)))
      return copied
    }
  }

  private mutating func changeAttribute(_ random: inout SeededRandom) throws {
    let inode = model.inodes.randomElement(using: &random)!
    let name = [UInt8]("user.\(Int.random(in: 0..<4, using: &random))".utf8)
    let length = [0, 10, 400, 401, 5000, 65536].randomElement(using: &random)!
    let value = random.oneIn(4) ? [UInt8](repeating: 0, count: length) : random.bytes(length)
    let flags = Int32.random(in: 0...2, using: &random)
    if random.oneIn(3) {
      try both("removexattr \(inode) \(name)") {
        try $0.removexattr(inode, name); return true
      } _: { model, _ in
        guard model[inode].attributes.removeValue(forKey: name) != nil else { throw Errno.noData }
        return true
      }
    } else {
      try both("setxattr \(inode) \(name), \(length), flags \(flags)") {
        try $0.setxattr(inode, name, value, flags: flags)
        return true
      } _: { model, _ in
        if flags == 1, model[inode].attributes[name] != nil { throw Errno.exists }
        if flags == 2, model[inode].attributes[name] == nil { throw Errno.noData }
        model[inode].attributes[name] = value
        return true
      }
    }
  }

  private mutating func look(_ random: inout SeededRandom) throws {
    guard let inode = model.files.randomElement(using: &random) else { return }
    let (offset, count) = (offset(&random), Int.random(in: 1..<30_000, using: &random))
    try both("read \(inode) at \(offset), \(count)") {
      try $0.bytes(of: inode, at: offset, count: count)
    } _: { model, _ in
      model[inode].read(at: offset, count: count)
    }
    let whence: Int32 = random.oneIn(2) ? 3 : 4
    try both("lseek \(inode) at \(offset), whence \(whence)") {
      try $0.lseek(inode, offset: offset, whence: whence)
    } _: { model, _ in
      try model[inode].seek(offset, whence: whence)
    }
  }
}

extension FileSystem {
  /// Bytes of a file, up to its end.
  public func bytes(of inode: InodeNumber, at offset: UInt64, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xaa, count: count)
    let read = try bytes.withUnsafeMutableBytes { (buffer) throws -> Int in
      try self.read(inode, at: offset, into: buffer)
    }
    return Array(bytes[..<read])
  }
}
