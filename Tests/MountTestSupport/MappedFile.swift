import Glibc
public import SystemIO

/// A file of whole pages that is mapped shared, so that it can be changed without a system call.
public final class MappedFile {
  public static let pageSize = 4096
  public let file: FileDescriptor
  private let pages: Int
  private let memory: UnsafeMutableRawPointer

  public init(_ path: String, pages: Int) throws {
    file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT, permissions: 0o640)
    self.pages = pages
    guard ftruncate(file.rawValue, pages * Self.pageSize) == 0,
      let memory = mmap(nil, pages * Self.pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0),
      memory != MAP_FAILED
    else { throw Errno.last }
    self.memory = memory
  }

  deinit { munmap(memory, pages * Self.pageSize) }

  /// The first byte of a page.
  public subscript(page: Int) -> UInt8 {
    get { memory.load(fromByteOffset: page * Self.pageSize, as: UInt8.self) }
    set { memory.storeBytes(of: newValue, toByteOffset: page * Self.pageSize, as: UInt8.self) }
  }

  /// Changes every `step`th page.
  public func dirty(with byte: UInt8, every step: Int = 1) {
    for page in stride(from: 0, to: pages, by: step) { self[page] = byte }
  }
}
