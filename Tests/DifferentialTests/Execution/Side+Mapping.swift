import Glibc
import PosixCalls
import SystemIO

extension Side {
  private static let pageSize = 4096

  func take(_ action: MappingAction, _ slot: Slot) throws(Errno) -> Outcome {
    guard let handle = handles[slot] else { return .noHandle }
    switch action {
    case .map(let firstPage, let pages, let writable):
      guard try handle.file.status().kind == S_IFREG else { return .leftOut("a mapping of what is no file") }
      let offset = firstPage * Self.pageSize
      handles[slot]?.mapping = try Mapping(handle.file, at: offset, count: pages * Self.pageSize, writable: writable)
      handles[slot]?.offset = offset
      handles[slot]?.isWritable = writable
    case .unmap: handles[slot]?.mapping = nil
    case .store(let offset, let content):
      guard let memory = try memory(handle, offset, content.count), handle.isWritable else { return .notMapped }
      memory.copyBytes(from: content.bytes)
      unsettled.insert(try handle.file.status().inode)
    case .load(let offset, let count):
      guard let memory = try memory(handle, offset, count) else { return .notMapped }
      return .bytes(Array(memory))
    case .synchronize:
      guard let mapping = handle.mapping else { return .notMapped }
      try mapping.synchronize()
      try handle.file.synchronize()
      unsettled.remove(try handle.file.status().inode)
    }
    return .done
  }

  /// The mapped bytes of a range of the file, where all of it is mapped and within the file: a page behind its end is a
  /// signal to whoever touches it.
  private func memory(_ handle: Handle, _ offset: Int, _ count: Int) throws(Errno) -> UnsafeMutableRawBufferPointer? {
    guard let mapping = handle.mapping, offset >= handle.offset,
      offset + count <= min(handle.offset + mapping.bytes.count, Int(try handle.file.status().size))
    else { return nil }
    let start = offset - handle.offset
    return UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[start..<start + count])
  }
}

extension Outcome {
  fileprivate static let notMapped = Outcome.leftOut("not mapped, or not within the file")
}
