import CFUSE
import Glibc

/// The value of an extended attribute, or the list of their names. A caller that asks with a size of zero wants to know
/// how much room it takes; one that offers too little gets ERANGE.
public struct ExtendedAttribute: Reply {
  let bytes: [UInt8]
  let room: Int

  public init(_ value: [UInt8], room: Int) {
    bytes = value
    self.room = room
  }

  /// Names as listxattr(2) lists them: one after the other, each closed by a zero byte.
  public init(names: [[UInt8]], room: Int) {
    bytes = names.reduce(into: []) { list, name in
      list += name
      list.append(0)
    }
    self.room = room
  }

  public func send(to request: RawRequest) -> Int32 {
    if room == 0 { return fuse_reply_xattr(request.pointer, bytes.count) }
    if bytes.count > room { return fuse_reply_err(request.pointer, ERANGE) }
    return bytes.withUnsafeBytes { Bytes.send($0, to: request) }
  }
}

/// A request to set an extended attribute: two words, or four with the flag `extendedSetxattr`, the name, a zero byte, the
/// value.
struct SetAttribute {
  let name: [UInt8]
  let value: [UInt8]
  let options: SetAttributeOptions

  /// Nil when the request is cut short.
  init?(_ body: UnsafeRawBufferPointer, isExtended: Bool) {
    let headerSize = isExtended ? MemoryLayout<fuse_setxattr_in>.size : Int(FUSE_COMPAT_SETXATTR_IN_SIZE)
    guard body.count > headerSize else { return nil }
    func word(_ index: Int) -> UInt32 { body.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self) }
    let rest = body[headerSize...]
    guard let end = rest.firstIndex(of: 0) else { return nil }
    let size = Int(word(0))
    guard rest.endIndex - (end + 1) >= size else { return nil }
    name = Array(rest[..<end])
    value = Array(rest[(end + 1)..<(end + 1 + size)])
    options = SetAttributeOptions(
      flags: Int32(bitPattern: word(1)),
      clearsSetGroupID: isExtended && word(2) & UInt32(FUSE_SETXATTR_ACL_KILL_SGID) != 0)
  }
}
