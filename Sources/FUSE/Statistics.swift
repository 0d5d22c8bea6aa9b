import CFUSE
import Glibc

/// What statfs(2) tells of a file system.
public struct Statistics: Reply, Sendable {
  public var blockSize: UInt64
  public var blocks: UInt64
  public var freeBlocks: UInt64
  public var availableBlocks: UInt64
  public var files: UInt64
  public var freeFiles: UInt64
  public var maximumNameLength: UInt64

  public init(
    blockSize: UInt64 = 4096, blocks: UInt64, freeBlocks: UInt64, availableBlocks: UInt64, files: UInt64,
    freeFiles: UInt64, maximumNameLength: UInt64 = 255
  ) {
    self.blockSize = blockSize
    self.blocks = blocks
    self.freeBlocks = freeBlocks
    self.availableBlocks = availableBlocks
    self.files = files
    self.freeFiles = freeFiles
    self.maximumNameLength = maximumNameLength
  }

  public func send(to request: RawRequest) -> Int32 {
    var status = statvfs()
    status.f_bsize = .init(blockSize)
    status.f_frsize = .init(blockSize)
    status.f_blocks = .init(blocks)
    status.f_bfree = .init(freeBlocks)
    status.f_bavail = .init(availableBlocks)
    status.f_files = .init(files)
    status.f_ffree = .init(freeFiles)
    status.f_namemax = .init(maximumNameLength)
    return fuse_reply_statfs(request.pointer, &status)
  }
}
