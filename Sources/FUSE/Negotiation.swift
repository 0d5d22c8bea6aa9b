import CFUSE

/// What a session and the kernel agreed on, and all that another process needs to go on with the connection.
public struct Agreement: Sendable {
  public let flags: InitFlags
  /// The most requests in the background that the kernel may let through at a time; it may be fewer (see
  /// `Configuration.maximumBackground`).
  public let maximumBackground: Int
  /// The kernel's INIT request, which a process that takes over shows to its own libfuse.
  public let request: [UInt8]

  public init(flags: InitFlags, maximumBackground: Int, request: [UInt8]) {
    self.flags = flags
    self.maximumBackground = maximumBackground
    self.request = request
  }
}

/// How a session answers FUSE_INIT.
///
/// libfuse 3.14 parses the request and makes the answer, but it knows a part of the flags only. So its answer is changed on
/// its way to the kernel: the flags in it are ours.
struct Negotiation {
  private let configuration: Configuration
  /// What another process had agreed on before this one took the connection over.
  private let inherited: Agreement?
  private(set) var offered = InitFlags()
  /// The number of the INIT request while its answer is awaited.
  private var pending: UInt64?
  private var request: [UInt8] = []

  init(_ configuration: Configuration, inherited: Agreement? = nil) {
    self.configuration = configuration
    self.inherited = inherited
  }

  /// Notes an INIT request that is about to be handed to libfuse.
  mutating func note(_ header: fuse_in_header, _ bytes: UnsafeRawBufferPointer) {
    pending = header.unique
    request = Array(bytes)
    let body = MemoryLayout<fuse_in_header>.size
    guard bytes.count >= body + 16 else { return }
    let lower = bytes.loadUnaligned(fromByteOffset: body + 12, as: UInt32.self)
    let hasUpper = bytes.count >= body + 20
    offered = InitFlags(
      lowerHalf: lower, upperHalf: hasUpper ? bytes.loadUnaligned(fromByteOffset: body + 16, as: UInt32.self) : 0)
  }

  /// What the session asks for and the kernel offers.
  var flags: InitFlags {
    inherited?.flags ?? configuration.flags.union(.extended).intersection(offered)
  }

  /// Whether the answer to INIT is not for the kernel, which had it long ago.
  var isInherited: Bool { inherited != nil }

  /// Answers libfuse's question for the parameters. The flags are not its business.
  func prepare(_ connection: inout fuse_conn_info) {
    connection.want = 0
    connection.max_write = .init(Configuration.maximumTransfer)
    connection.max_background = .init(configuration.maximumBackground)
    connection.congestion_threshold = .init(configuration.maximumBackground)
    connection.time_gran = 1
  }

  /// Puts our flags into the answer to INIT; nil for every other answer.
  mutating func patch(_ vectors: UnsafeMutablePointer<iovec>, _ count: Int32) -> Agreement? {
    guard let pending, count > 1,
      let header = vectors[0].iov_base?.assumingMemoryBound(to: fuse_out_header.self), header.pointee.unique == pending,
      let answer = vectors[1].iov_base?.assumingMemoryBound(to: fuse_init_out.self),
      vectors[1].iov_len == MemoryLayout<fuse_init_out>.size
    else { return nil }
    self.pending = nil
    answer.pointee.flags = flags.lowerHalf
    answer.pointee.flags2 = flags.upperHalf
    return inherited
      ?? Agreement(flags: flags, maximumBackground: Int(answer.pointee.max_background), request: request)
  }
}
