import CFUSE

/// An answer that the kernel understands; `Request<Answer>` lets a request be answered with its own kind only.
public protocol Reply: ~Copyable {
  /// Sends the answer and gives the request back to libfuse; zero, or a negated error number.
  borrowing func send(to request: RawRequest) -> Int32
}

/// libfuse's handle of a request that waits for its answer.
public struct RawRequest: @unchecked Sendable {
  let pointer: OpaquePointer
  let number: RequestNumber
}

/// The answer of requests that only succeed or fail.
public struct Done: Reply {
  public init() {}

  public func send(to request: RawRequest) -> Int32 { fuse_reply_err(request.pointer, 0) }
}

/// A number of bytes: what `write` and `copyFileRange` have taken.
public struct Count: Reply {
  public let bytes: Int

  public init(_ bytes: Int) { self.bytes = bytes }

  public func send(to request: RawRequest) -> Int32 { fuse_reply_write(request.pointer, bytes) }
}

/// The place that `lseek` found.
public struct Offset: Reply {
  public let value: UInt64

  public init(_ value: UInt64) { self.value = value }

  public func send(to request: RawRequest) -> Int32 { fuse_reply_lseek(request.pointer, .init(clamping: value)) }
}

/// Plain bytes: file content, the target of a symbolic link.
public struct Bytes: Reply {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public func send(to request: RawRequest) -> Int32 {
    bytes.withUnsafeBytes { Self.send($0, to: request) }
  }

  static func send(_ bytes: UnsafeRawBufferPointer, to request: RawRequest) -> Int32 {
    fuse_reply_buf(request.pointer, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }
}

extension NodeAttributes: Reply {
  public func send(to request: RawRequest) -> Int32 {
    withUnsafePointer(to: status) { fuse_reply_attr(request.pointer, $0, expireAtOnce ? 0 : Entry.forever) }
  }
}
