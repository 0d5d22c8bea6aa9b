import CLinux
import Glibc
import Store
import SystemIO

/// A file of the host whose attributes are read or set: the one that is open, or an entry of an open directory, itself where it is a
/// symbolic link.
struct HostNode {
  private let descriptor: Int32
  private let entry: [UInt8]?

  init(_ descriptor: Int32, entry: [UInt8]? = nil) {
    self.descriptor = descriptor
    self.entry = entry
  }

  private func withEntry<Result>(
    _ body: (UnsafePointer<CChar>?) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard let entry else { return try body(nil) }
    return try withName(entry) { (name) throws(Errno) in try body(name) }
  }

  // MARK: Owner, permissions, times

  /// - Parameter user: nil leaves it as it is.
  func setOwner(_ user: UInt32?, _ group: UInt32) throws(Errno) {
    let user = user ?? UInt32.max
    _ = try withEntry { (name) throws(Errno) in
      try retryingInterrupts {
        name.map { fchownat(descriptor, $0, user, group, AT_SYMLINK_NOFOLLOW) } ?? fchown(descriptor, user, group)
      }
    }
  }

  /// Sets permissions, of what is no symbolic link.
  func setMode(_ mode: UInt32) throws(Errno) {
    _ = try withEntry { (name) throws(Errno) in
      try retryingInterrupts {
        name.map { fchmodat(descriptor, $0, mode, AT_SYMLINK_NOFOLLOW) } ?? fchmod(descriptor, mode)
      }
    }
  }

  func setTimes(accessed: timespec, modified: timespec) throws(Errno) {
    let times = [accessed, modified]
    _ = try withEntry { (name) throws(Errno) in
      try retryingInterrupts {
        name.map { utimensat(descriptor, $0, times, AT_SYMLINK_NOFOLLOW) } ?? futimens(descriptor, times)
      }
    }
  }

  /// Whether its file system has room for more than any extended attribute takes.
  func hasFreeSpace() throws(Errno) -> Bool {
    var statistics = statvfs()
    try retryingInterrupts { fstatvfs(descriptor, &statistics) }
    return UInt64(statistics.f_bavail) * UInt64(statistics.f_frsize) >= 1 << 20
  }

  // MARK: Extended attributes

  /// The names of all extended attributes; none where the file system has none.
  func attributeNames() throws(Errno) -> [[UInt8]] {
    try withEntry { (entry) throws(Errno) in
      let names = try Self.growing { linux_list_attributes(descriptor, entry, $0, $1) }
      return names?.split(separator: 0).map { Array($0) } ?? []
    }
  }

  /// The value of an extended attribute; nil where there is none.
  func attribute(_ name: [UInt8]) throws(Errno) -> [UInt8]? {
    try withEntry { (entry) throws(Errno) in
      try withName(name) { (name) throws(Errno) in
        try Self.growing { linux_get_attribute(descriptor, entry, name, $0, $1) }
      }
    }
  }

  func setAttribute(_ name: [UInt8], _ value: [UInt8]) throws(Errno) {
    _ = try withEntry { (entry) throws(Errno) in
      try withName(name) { (name) throws(Errno) in
        try retryingInterrupts {
          value.withUnsafeBytes { linux_set_attribute(descriptor, entry, name, $0.baseAddress, $0.count) }
        }
      }
    }
  }

  /// Removes an extended attribute, where there is one.
  func removeAttribute(_ name: [UInt8]) throws(Errno) {
    do throws(Errno) {
      _ = try withEntry { (entry) throws(Errno) in
        try withName(name) { (name) throws(Errno) in
          try retryingInterrupts { linux_remove_attribute(descriptor, entry, name) }
        }
      }
    } catch {
      guard Self.signsOfNone.contains(error) else { throw error }
    }
  }

  private static let signsOfNone: [Errno] = [.notSupported, .noData, .notImplemented]

  /// Calls with a larger buffer until what it says fits; nil where there is nothing.
  private static func growing(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int) throws(Errno) -> [UInt8]? {
    while true {
      let size = call(nil, 0)
      if size == 0 { return [] }
      if size < 0 {
        if signsOfNone.contains(.last) { return nil }
        throw Errno.last
      }
      var bytes = [UInt8](repeating: 0, count: size)
      let count = bytes.withUnsafeMutableBytes { call($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
      if count >= 0 { return [UInt8](bytes[..<count]) }
      if signsOfNone.contains(.last) { return nil }
      guard Errno.last == .outOfRange else { throw Errno.last }
    }
  }
}

extension Timestamp {
  init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }

  var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}
