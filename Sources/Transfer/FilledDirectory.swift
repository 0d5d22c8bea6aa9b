import Glibc
import SystemIO

/// An existing directory that an export fills. Meanwhile it is closed to others, as far as this user may do that, and hands no
/// access control lists down.
final class FilledDirectory {
  private static let listNames = ["system.posix_acl_access", "system.posix_acl_default"].map { Array($0.utf8) }
  private static let volumeDirectory = Array("lost+found".utf8)

  let directory: HostDirectory
  private let status: stat
  private let lists: [(name: [UInt8], value: [UInt8])]
  /// Whether it is somebody else's, and hands lists down to what is made in it.
  private(set) var handsListsDown = false

  /// - Throws: `notEmpty`, before anything is changed.
  init(_ directory: HostDirectory) throws(TransferError) {
    self.directory = directory
    (status, lists) = try at(directory.path) { () throws(Errno) in
      var lists: [(name: [UInt8], value: [UInt8])] = []
      for name in Self.listNames {
        if let value = try directory.node.attribute(name) { lists.append((name, value)) }
      }
      return (try directory.status(), lists)
    }
    _ = try present()
  }

  /// Closes it to others; what it holds may have changed before that. Returns what may be there.
  func takeOver() throws(TransferError) -> [[UInt8]] {
    let user = geteuid()
    try at(directory.path) { () throws(Errno) in
      let node = directory.node
      if user == 0, status.st_uid != 0 { try whereAllowed { () throws(Errno) in try node.setOwner(0, status.st_gid) } }
      if !lists.isEmpty {
        handsListsDown = try !whereAllowed { () throws(Errno) in try AttributeExporter.removeLists(of: node) }
      }
      try whereAllowed { () throws(Errno) in try node.setMode(0o700) }
    }
    return try present()
  }

  /// Makes it as it was, after all that was written to it is removed.
  func restore() throws(TransferError) {
    try at(directory.path) { () throws(Errno) in
      let node = directory.node
      if geteuid() == 0 { try whereAllowed { () throws(Errno) in try node.setOwner(status.st_uid, status.st_gid) } }
      try whereAllowed { () throws(Errno) in
        try AttributeExporter.removeLists(of: node)
        for list in lists { try node.setAttribute(list.name, list.value) }
        try node.setMode(status.st_mode & 0o7777)
        try node.setTimes(accessed: status.st_atim, modified: status.st_mtim)
      }
    }
  }

  /// What is in it: nothing, or what is in each new file system of some kinds.
  private func present() throws(TransferError) -> [[UInt8]] {
    let names = try at(directory.path) { () throws(Errno) in try directory.names() }
    guard names.allSatisfy({ $0 == Self.volumeDirectory }) else { throw TransferError(.notEmpty, at: directory.path) }
    for name in names where try !isEmptyDirectory(name) { throw TransferError(.notEmpty, at: directory.path) }
    return names
  }

  private func isEmptyDirectory(_ name: [UInt8]) throws(TransferError) -> Bool {
    try at(directory.path(of: name)) { () throws(Errno) in
      do throws(Errno) { return try directory.openDirectory(name).names().isEmpty } catch {
        // It is root's, and says nothing to others.
        if error == .accessDenied { return true }
        if error == .notDirectory || error == .tooManySymbolicLinks { return false }
        throw error
      }
    }
  }

  /// Returns whether this user may do that, and the file system can.
  @discardableResult
  private func whereAllowed(_ call: () throws(Errno) -> Void) throws(Errno) -> Bool {
    do throws(Errno) {
      try call()
      return true
    } catch {
      guard Refusal.reason(error, isPrivileged: geteuid() == 0) != nil else { throw error }
      return false
    }
  }
}
