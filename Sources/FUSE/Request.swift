import CFUSE
import Glibc
public import SystemIO

/// One question of the kernel, to be answered exactly once.
///
/// Answering consumes it, so a second answer does not compile. A request that is dropped answers EIO, so nobody waits
/// forever for a forgotten one.
public struct Request<Answer: Reply & ~Copyable>: ~Copyable, @unchecked Sendable {
  let raw: RawRequest
  /// The session outlives its requests: the reading thread, a detached body or a parked request holds it.
  let session: Unmanaged<Session>

  init(_ raw: RawRequest, _ session: Unmanaged<Session>) {
    self.raw = raw
    self.session = session
  }

  deinit {
    _ = fuse_reply_err(raw.pointer, EIO)
  }

  public var number: RequestNumber { raw.number }

  /// Who asks.
  public var caller: Caller { Caller(fuse_req_ctx(raw.pointer).pointee) }

  /// What it came in by.
  public var connection: Session { session.takeUnretainedValue() }

  /// Answers with success; false when the kernel does not want the answer any more.
  @discardableResult
  public consuming func reply(_ answer: borrowing Answer) -> Bool {
    let result = answer.send(to: raw)
    discard self
    return result == 0
  }

  /// Answers with an error.
  public consuming func fail(_ error: Errno) {
    _ = fuse_reply_err(raw.pointer, error.rawValue)
    discard self
  }

  /// Answers with what `body` returns or throws.
  @discardableResult
  public consuming func reply(_ body: () throws(Errno) -> Answer) -> Bool {
    do {
      return reply(try body())
    } catch {
      fail(error)
      return false
    }
  }

  /// Goes on where it may block: another thread takes over reading the session's requests, and `body` runs.
  ///
  /// `body` runs at once on this thread, unless all threads are busy; then it runs as soon as one is free. Pointers that
  /// came with the request stay valid until it returns. With `isOrdered`, a later `statfs` is answered only after it.
  public consuming func detached(isOrdered: Bool, _ body: @escaping (consuming Request<Answer>) -> Void) {
    let raw = raw
    let session = session
    discard self
    session.takeUnretainedValue().detach(isOrdered: isOrdered) { body(Request(raw, session)) }
  }

  /// Puts the request aside, to be answered later by whichever thread takes it.
  public consuming func park() -> ParkedRequest<Answer> {
    let parked = ParkedRequest<Answer>(raw, session.takeUnretainedValue())
    discard self
    return parked
  }
}

extension Request where Answer == Bytes {
  /// Answers with at most `count` bytes that `fill` puts into memory it is lent, and whose number it returns.
  ///
  /// `fill` is told first that it must not block. When it throws `.wouldBlock`, it is called again where it may.
  public consuming func reply(
    upTo count: Int,
    _ fill: @escaping (UnsafeMutableRawBufferPointer, _ mayBlock: Bool) throws(Errno) -> Int
  ) {
    let buffer = Buffer.take()
    defer { buffer.giveBack() }
    let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<min(count, buffer.memory.count)])
    do {
      send(memory, try fill(memory, false))
    } catch .wouldBlock {
      detached(isOrdered: false) { request in request.replyBlocking(upTo: count, fill) }
    } catch {
      fail(error)
    }
  }

  private consuming func replyBlocking(
    upTo count: Int, _ fill: (UnsafeMutableRawBufferPointer, _ mayBlock: Bool) throws(Errno) -> Int
  ) {
    let buffer = Buffer.take()
    defer { buffer.giveBack() }
    let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<min(count, buffer.memory.count)])
    do {
      send(memory, try fill(memory, true))
    } catch {
      fail(error)
    }
  }

  private consuming func send(_ memory: UnsafeMutableRawBufferPointer, _ count: Int) {
    _ = Bytes.send(UnsafeRawBufferPointer(rebasing: memory[..<count]), to: raw)
    discard self
  }
}

/// A request put aside. It may be copied around; whoever takes it first answers it.
public final class ParkedRequest<Answer: Reply & ~Copyable>: Sendable {
  private let raw: RawRequest
  public let session: Session
  private let isTaken = AtomicFlag()

  init(_ raw: RawRequest, _ session: Session) {
    self.raw = raw
    self.session = session
  }

  deinit {
    if isTaken.set() { _ = fuse_reply_err(raw.pointer, EIO) }
  }

  /// Runs `body`, which answers it and others, where it may block (see `Request.detached`).
  public func detached(isOrdered: Bool, _ body: @escaping () -> Void) {
    session.detach(isOrdered: isOrdered, body)
  }

  /// The request, for the first who asks. The caller must hold on to the parked request until it has answered.
  public func take() -> Request<Answer>? {
    isTaken.set() ? Request(raw, .passUnretained(session)) : nil
  }
}

/// Tells a request from all others of its connection.
public struct RequestNumber: Hashable, Sendable {
  /// The same when the request is sent again.
  public let value: UInt64
  /// Whether the kernel sent it before, to a process that did not answer it.
  public let isResent: Bool

  /// FUSE_UNIQUE_RESEND.
  private static let resent: UInt64 = 1 << 63

  init(unique: UInt64) {
    value = unique & ~Self.resent
    isResent = unique & Self.resent != 0
  }
}

/// The process that asks.
public struct Caller: Sendable {
  public let user: UInt32
  public let group: UInt32
  public let process: Int32
  public let fileCreationMask: UInt32

  init(_ context: fuse_ctx) {
    user = context.uid
    group = context.gid
    process = context.pid
    fileCreationMask = context.umask
  }
}
