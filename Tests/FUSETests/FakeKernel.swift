import CFUSE
import FUSE
import Glibc
import SystemIO
import Testing

/// The kernel's end of a FUSE connection, played by a test: requests go in as bytes, answers come out as bytes.
final class FakeKernel {
  private let channel: FileDescriptor
  private var lastUnique: UInt64 = 0

  struct Answer: Equatable {
    let unique: UInt64
    /// Zero, or a negated error number.
    let error: Int32
    let body: [UInt8]

    func load<Value>(_ type: Value.Type = Value.self, at offset: Int = 0) -> Value {
      body.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
  }

  private init(_ channel: consuming FileDescriptor) { self.channel = channel }

  /// Both ends of a new connection. Like the device, it keeps each message whole.
  static func connect() throws -> (FakeKernel, Int32) {
    var ends: [Int32] = [-1, -1]
    #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
    var size: Int32 = 4 << 20
    for end in ends {
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, 4)
      var timeout = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }
    return (FakeKernel(FileDescriptor(owning: ends[0])), ends[1])
  }

  /// A session that has agreed with a kernel of today.
  static func serving(
    _ operations: any Operations, crew: Crew = .shared, onEnd: @escaping @Sendable (SessionEnd) -> Void = { _ in }
  ) throws -> (FakeKernel, Session) {
    let (kernel, channel) = try connect()
    let session = try Session(
      channel: FileDescriptor(owning: channel), operations: operations, crew: crew, onEnd: onEnd)
    _ = try kernel.initialize(offering: InitFlags(rawValue: .max))
    return (kernel, session)
  }

  /// Sends a request, whose number it returns.
  @discardableResult
  func send(_ opcode: fuse_opcode, node: UInt64 = 1, _ body: [UInt8] = []) throws -> UInt64 {
    lastUnique += 2
    var header = fuse_in_header()
    header.len = UInt32(MemoryLayout<fuse_in_header>.size + body.count)
    header.opcode = opcode.rawValue
    header.unique = lastUnique
    header.nodeid = node
    header.uid = 1000
    header.gid = 100
    header.pid = 42
    let message = bytes(of: header) + body
    let sent = Glibc.send(channel.rawValue, message, message.count, Int32(MSG_NOSIGNAL))
    #expect(sent == message.count)
    return lastUnique
  }

  /// The next answer, whichever request it belongs to.
  func receive() throws -> Answer {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    let count = recv(channel.rawValue, &buffer, buffer.count, 0)
    try #require(count >= MemoryLayout<fuse_out_header>.size, "no answer came")
    let header = buffer.withUnsafeBytes { $0.loadUnaligned(as: fuse_out_header.self) }
    try #require(Int(header.len) == count)
    return Answer(
      unique: header.unique, error: header.error,
      body: Array(buffer[MemoryLayout<fuse_out_header>.size..<count]))
  }

  /// Sends a request and returns its answer, which must be the next one.
  func ask(_ opcode: fuse_opcode, node: UInt64 = 1, _ body: [UInt8] = []) throws -> Answer {
    let unique = try send(opcode, node: node, body)
    let answer = try receive()
    #expect(answer.unique == unique)
    return answer
  }

  /// Ends the connection as unmounting does.
  func close() { shutdown(channel.rawValue, Int32(SHUT_RDWR)) }

  func initialize(offering flags: InitFlags) throws -> fuse_init_out {
    var request = fuse_init_in()
    request.major = 7
    request.minor = 45
    request.max_readahead = 128 << 10
    request.flags = UInt32(truncatingIfNeeded: flags.rawValue)
    request.flags2 = UInt32(truncatingIfNeeded: flags.rawValue >> 32)
    return try ask(FUSE_INIT, node: 0, bytes(of: request)).load()
  }
}

/// A C struct as the bytes it is made of.
func bytes<Value>(of value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

/// A name as it is sent: closed by a zero byte.
func name(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

func text(_ text: String) -> [UInt8] { Array(text.utf8) }
