import CLinux
import FileSystem
import Glibc
import Store
import SystemIO

/// Calls on files of the host, by bytes.
enum HostFile {
  /// A path or name as C wants it: with a zero behind it.
  static func withPath<Result>(
    _ path: [UInt8], _ body: (UnsafePointer<CChar>) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    try (path + [0]).withUnsafeBytesTyped { (bytes) throws(Errno) in
      try body(bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
  }

  static func open(_ path: [UInt8], _ flags: Int32, _ permissions: mode_t = 0) throws(Errno) -> FileDescriptor {
    FileDescriptor(
      owning: try withPath(path) { (path) throws(Errno) in
        try retryingInterrupts { Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, permissions) }
      })
  }

  static func status(_ path: [UInt8]) throws(Errno) -> stat {
    var status = stat()
    _ = try withPath(path) { (path) throws(Errno) in try retryingInterrupts { linux_status(AT_FDCWD, path, &status) } }
    return status
  }

  /// The names in a directory, without "." and "..".
  static func names(in path: [UInt8]) throws(Errno) -> [[UInt8]] {
    let directory = try withPath(path) { (path) throws(Errno) in
      guard let directory = opendir(path) else { throw Errno.last }
      return directory
    }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw Errno.last }
        return names
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { [UInt8]($0.prefix { $0 != 0 }) }
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
  }

  static func readlink(_ path: [UInt8]) throws(Errno) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = try withPath(path) { (path) throws(Errno) in
      try retryingInterrupts {
        target.withUnsafeMutableBytes {
          Glibc.readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
      }
    }
    return [UInt8](target[..<count])
  }

  /// The extended attributes of a file that a fork can hold, access control lists among them; none where its file system
  /// has none.
  static func attributes(_ path: [UInt8]) throws(Errno) -> [(name: [UInt8], value: [UInt8])] {
    try withPath(path) { (path) throws(Errno) in
      guard let names = try growing({ linux_list_attributes(path, $0, $1) }) else { return [] }
      var found: [(name: [UInt8], value: [UInt8])] = []
      for name in names.split(separator: 0) where FileSystem.supportsAttribute(Array(name)) {
        let value = try withPath(Array(name)) { (name) throws(Errno) in
          try growing({ linux_get_attribute(path, name, $0, $1) })
        }
        if let value { found.append((Array(name), value)) }
      }
      return found
    }
  }

  /// Calls with a larger buffer until what it says fits; nil where there is nothing.
  private static func growing(
    _ call: (UnsafeMutablePointer<CChar>?, Int) -> Int
  ) throws(Errno) -> [UInt8]? {
    while true {
      let size = call(nil, 0)
      if size == 0 { return [] }
      if size < 0 {
        if [.notSupported, .noData, .notImplemented].contains(Errno.last) { return nil }
        throw Errno.last
      }
      var bytes = [UInt8](repeating: 0, count: size)
      let count = bytes.withUnsafeMutableBytes { call($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
      if count >= 0 { return [UInt8](bytes[..<count]) }
      guard Errno.last == .outOfRange else { throw Errno.last }
    }
  }
}

extension InodeItem {
  /// The attributes of a file of the host.
  init(_ status: stat) {
    self.init(
      mode: status.st_mode, owner: status.st_uid, group: status.st_gid, links: UInt32(status.st_nlink),
      device: UInt32(truncatingIfNeeded: status.st_rdev), size: UInt64(status.st_size), time: Clock.timestamp())
    accessed = Timestamp(status.st_atim)
    modified = Timestamp(status.st_mtim)
  }
}

extension Timestamp {
  init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }

  var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}
