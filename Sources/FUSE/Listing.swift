import CFUSE
import Glibc

/// The part of a directory that fits into one answer to readdir or readdirplus.
///
/// An entry's cookie is the place to go on reading behind it.
public struct Listing: ~Copyable, Reply {
  private let memory: UnsafeMutableRawBufferPointer
  private var used = 0
  public private(set) var count = 0

  /// - Parameter room: how many bytes the kernel takes.
  public init(room: Int) {
    memory = .allocate(byteCount: room, alignment: 8)
  }

  deinit { memory.deallocate() }

  /// Adds a name; false when it does not fit any more.
  public mutating func add(_ name: [UInt8], node: NodeID, mode: UInt32, cookie: UInt64) -> Bool {
    var status = stat()
    status.st_ino = .init(node)
    status.st_mode = mode
    return withRoom(for: name) { name, start, room in
      fuse_add_direntry(nil, start, room, name, &status, off_t(truncatingIfNeeded: cookie))
    }
  }

  /// Adds a name and what a lookup of it would have answered; false when it does not fit any more.
  ///
  /// With `isLookup` the kernel counts a lookup of the node, which it will forget one day. It does not for "." and "..".
  public mutating func add(_ name: [UInt8], _ attributes: NodeAttributes, isLookup: Bool, cookie: UInt64) -> Bool {
    var parameters = fuse_entry_param()
    parameters.attr.st_ino = .init(attributes.node)
    parameters.attr.st_mode = attributes.mode
    if isLookup { parameters = Entry.node(attributes).parameters }
    return withRoom(for: name) { name, start, room in
      fuse_add_direntry_plus(nil, start, room, name, &parameters, off_t(truncatingIfNeeded: cookie))
    }
  }

  /// How many bytes a name takes with its attributes.
  public static func sizeWithAttributes(of name: [UInt8]) -> Int {
    (MemoryLayout<fuse_entry_out>.size + MemoryLayout<fuse_dirent>.size + name.count + 7) & ~7
  }

  public borrowing func send(to request: RawRequest) -> Int32 {
    Bytes.send(UnsafeRawBufferPointer(rebasing: memory[..<used]), to: request)
  }

  private mutating func withRoom(
    for name: [UInt8], _ add: (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>?, Int) -> Int
  ) -> Bool {
    let rest = UnsafeMutableRawBufferPointer(rebasing: memory[used...])
    let needed = withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { terminated in
      for (index, byte) in name.enumerated() { terminated[index] = CChar(bitPattern: byte) }
      terminated[name.count] = 0
      return add(terminated.baseAddress!, rest.baseAddress?.assumingMemoryBound(to: CChar.self), rest.count)
    }
    if needed > rest.count { return false }
    used += needed
    count += 1
    return true
  }
}
