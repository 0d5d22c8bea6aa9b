import CLinux
import Glibc

/// One end of a connection between two processes that keeps messages whole and carries descriptors along.
public struct MessageSocket: ~Copyable, Sendable {
  /// The longest message, in bytes; longer ones are `messageTooLong`.
  public static let longestMessage = 128 << 10

  public let descriptor: FileDescriptor

  public init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

  /// Both ends of a new connection.
  public static func pair() throws(Errno) -> Pair {
    var ends: [Int32] = [-1, -1]
    try retryingInterrupts { linux_message_pair(&ends) }
    return Pair(
      first: MessageSocket(FileDescriptor(owning: ends[0])), second: MessageSocket(FileDescriptor(owning: ends[1])))
  }

  public struct Pair: ~Copyable {
    public var first: MessageSocket
    public var second: MessageSocket

    /// Closes the second end and gives the first one away.
    public consuming func closeSecond() -> MessageSocket { first }
  }

  public struct Message: ~Copyable {
    public let bytes: [UInt8]
    /// What came along with it.
    public var descriptor: FileDescriptor?
  }

  /// Sends a message, which must not be empty, and a copy of a descriptor with it.
  public func send(_ bytes: [UInt8], descriptor other: Int32 = -1) throws(Errno) {
    precondition(!bytes.isEmpty, "an empty message says that the connection has ended")
    guard bytes.count <= Self.longestMessage else { throw .messageTooLong }
    try retryingInterrupts { linux_send_message(descriptor.rawValue, bytes, bytes.count, other) }
  }

  /// Whether the other end has received everything that was sent.
  public var isDrained: Bool { linux_unreceived_bytes(descriptor.rawValue) == 0 }

  /// Has `send` give up with `wouldBlock` where the other end does not receive for so long.
  public func limitSending(seconds: Int) throws(Errno) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    try retryingInterrupts { setsockopt(descriptor.rawValue, SOL_SOCKET, SO_SNDTIMEO, &limit, size) }
  }

  /// Whether the other end is closed.
  public var isAbandoned: Bool { pending(0) & POLLHUP != 0 }

  /// Whether `receive` returns at once: with a message, or because the other end is closed.
  public var isReadable: Bool { pending(Int16(POLLIN)) != 0 }

  private func pending(_ events: Int16) -> Int32 {
    var event = pollfd(fd: descriptor.rawValue, events: events, revents: 0)
    return poll(&event, 1, 0) > 0 ? Int32(event.revents) : 0
  }

  /// Waits for the next message; nil when the other end is closed.
  public func receive() throws(Errno) -> Message? {
    var bytes = [UInt8](repeating: 0, count: Self.longestMessage)
    var received: Int32 = -1
    let count = try retryingInterrupts {
      linux_receive_message(descriptor.rawValue, &bytes, bytes.count, &received)
    }
    guard count > 0 else { return nil }
    let other: FileDescriptor? = received >= 0 ? FileDescriptor(owning: received) : nil
    return Message(bytes: Array(bytes[..<count]), descriptor: other)
  }
}
