import CLinux
public import SystemIO

/// A pipe. Each end is closed when its owner goes.
public struct Pipe: ~Copyable {
  public let reader: FileDescriptor
  public let writer: FileDescriptor

  public init() throws(Errno) {
    var ends: [Int32] = [-1, -1]
    try retryingInterrupts { linux_pipe(&ends) }
    reader = FileDescriptor(owning: ends[0])
    writer = FileDescriptor(owning: ends[1])
  }

  /// Closes the writing end and gives the reading end away.
  public consuming func closeWriter() -> FileDescriptor {
    let reader = reader
    let writer = writer
    _ = consume writer
    return reader
  }
}
