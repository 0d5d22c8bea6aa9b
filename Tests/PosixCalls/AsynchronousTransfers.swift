import CPosix
import Glibc
public import SystemIO

/// Memory that begins at a page, as direct I/O wants it. It goes with its owner.
public final class PageMemory: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer
  /// What it is a part of.
  private let whole: PageMemory?

  /// Memory of zeros.
  public init(count: Int) {
    bytes = UnsafeMutableRawBufferPointer(
      start: .allocate(byteCount: max(1, count), alignment: 4096), count: count)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    whole = nil
  }

  public convenience init(_ content: [UInt8]) {
    self.init(count: content.count)
    bytes.copyBytes(from: content)
  }

  private init(_ range: Range<Int>, of whole: PageMemory) {
    bytes = UnsafeMutableRawBufferPointer(rebasing: whole.bytes[range])
    self.whole = whole
  }

  deinit { if whole == nil { bytes.baseAddress?.deallocate() } }

  /// A part, which keeps the whole alive.
  public subscript(range: Range<Int>) -> PageMemory { PageMemory(range, of: self) }
}

/// A read or write of an open file that goes on while its caller does something else.
public struct AsynchronousTransfer: Sendable {
  public enum Kind: Sendable { case read, write }
  public var kind: Kind
  public var file: OpenFile
  public var offset: Int
  /// What is written, or where to.
  public var memory: PageMemory

  public init(_ kind: Kind, _ file: OpenFile, at offset: Int, _ memory: PageMemory) {
    self.kind = kind
    self.file = file
    self.offset = offset
    self.memory = memory
  }
}

/// Transfers that are under way all at once: native asynchronous I/O, as databases use it through libaio. The kernel works at
/// those of direct I/O in the background; whether it does is the file system's choice.
public struct AsynchronousTransfers: ~Copyable {
  private let context: aio_context_t
  /// They keep the files and the memory alive.
  private let transfers: [AsynchronousTransfer]
  private var results: [Result<Int, Errno>?]

  /// Starts them, in their order: io_submit(2).
  public init(_ transfers: [AsynchronousTransfer]) throws(Errno) {
    var context: aio_context_t = 0
    try retryingInterrupts { posix_io_setup(UInt32(max(1, transfers.count)), &context) }
    self.context = context
    self.transfers = transfers
    results = transfers.map { _ in nil }
    for (index, transfer) in transfers.enumerated() {
      var request = transfer.request(index)
      do throws(Errno) {
        try withUnsafeMutablePointer(to: &request) { request throws(Errno) in
          var pointer: UnsafeMutablePointer<iocb>? = request
          try retryingInterrupts { posix_io_submit(context, 1, &pointer) }
        }
      } catch {
        results[index] = .failure(error)
      }
    }
  }

  /// Waits until all have ended; what each led to, in their order: the number of bytes, or the error.
  public mutating func wait() throws(Errno) -> [Result<Int, Errno>] {
    while results.contains(where: { $0 == nil }) {
      var event = io_event()
      guard try retryingInterrupts({ posix_io_getevents(context, 1, &event) }) == 1 else { continue }
      let result = event.res
      results[Int(event.data)] = result < 0 ? .failure(Errno(rawValue: Int32(-result))) : .success(Int(result))
    }
    return results.map { $0! }
  }

  /// The kernel waits for what is under way before the memory goes.
  deinit { _ = posix_io_destroy(context) }
}

extension AsynchronousTransfer {
  fileprivate func request(_ number: Int) -> iocb {
    var request = iocb()
    request.aio_data = UInt64(number)
    request.aio_lio_opcode = UInt16(kind == .read ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE)
    request.aio_fildes = UInt32(file.descriptor)
    request.aio_buf = UInt64(UInt(bitPattern: memory.bytes.baseAddress))
    request.aio_nbytes = UInt64(memory.bytes.count)
    request.aio_offset = Int64(offset)
    return request
  }
}
