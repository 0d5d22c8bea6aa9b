import FileSystem
import Glibc
import Store
import SystemIO

/// Gives exported files what belongs to them: owner, extended attributes, permissions and times, in an order in which one does not undo
/// another. A change of the owner clears set-user-ID, set-group-ID and capabilities; a list changes the mode; a mode may keep attributes
/// from being set; everything changes times.
struct AttributeExporter {
  private static let accessList = Array("system.posix_acl_access".utf8)
  private static let defaultList = Array("system.posix_acl_default".utf8)
  private static let lists = [accessList, defaultList]

  private let fileSystem: FileSystem
  private let user = geteuid()
  private(set) var leftOut = LeftOutTally()

  init(_ fileSystem: FileSystem) { self.fileSystem = fileSystem }

  private var isPrivileged: Bool { user == 0 }

  /// Removes what a new file may have inherited: lists that let others in.
  static func removeLists(of node: HostNode) throws(Errno) {
    for list in lists { try node.removeAttribute(list) }
  }

  /// - Parameters:
  ///   - mayInherit: whether the file was made in a directory that hands lists down.
  ///   - path: of the file, for messages.
  mutating func describe(
    _ attributes: Attributes, _ node: HostNode, mayInherit: Bool, at path: () -> [UInt8]
  ) throws(Errno) {
    var mode = attributes.mode & 0o7777 & ~(try setOwner(attributes, node, path))
    if mayInherit { try Self.removeLists(of: node) }
    if let list = try setExtendedAttributes(attributes.inode, node, path) {
      mode = FileSystem.mode(mode, withoutList: list)
    }
    if attributes.mode & S_IFMT != S_IFLNK {
      try trying(.permissions, path) { () throws(Errno) in try node.setMode(mode) }
    }
    try trying(.times, path) { () throws(Errno) in
      try node.setTimes(accessed: attributes.accessed.timespec, modified: attributes.modified.timespec)
    }
  }

  /// Returns the bits of the mode that would give rights of somebody who is not the owner.
  private mutating func setOwner(
    _ attributes: Attributes, _ node: HostNode, _ path: () -> [UInt8]
  ) throws(Errno) -> UInt32 {
    if try trying(.owners, path, { () throws(Errno) in try node.setOwner(attributes.owner, attributes.group) }) {
      return 0
    }
    let lost = attributes.owner == user ? 0 : S_ISUID
    do throws(Errno) {
      try node.setOwner(nil, attributes.group)
      return lost
    } catch {
      guard Refusal.reason(error, isPrivileged: isPrivileged) != nil else { throw error }
      return lost | S_ISGID
    }
  }

  /// Returns the access control list, where it could not be set.
  private mutating func setExtendedAttributes(
    _ inode: InodeNumber, _ node: HostNode, _ path: () -> [UInt8]
  ) throws(Errno) -> [UInt8]? {
    var refused: Set<[UInt8]> = []
    var refusals: Set<Refused> = []
    // Lists come last: they may take away the owner's right to set the others.
    let names = try fileSystem.listxattr(inode)
    for name in names.filter({ !Self.lists.contains($0) }) + names.filter(Self.lists.contains) {
      let value = try fileSystem.getxattr(inode, name)
      do throws(Errno) { try node.setAttribute(name, value) } catch {
        guard let reason = try reason(error, setting: node) else { throw error }
        refused.insert(name)
        refusals.insert(
          Refused(kind: Self.lists.contains(name) ? .accessControlLists : .extendedAttributes, reason: reason))
      }
    }
    for refusal in refusals { leftOut.add(refusal.kind, refusal.reason, at: path()) }
    return refused.contains(Self.accessList) ? try fileSystem.getxattr(inode, Self.accessList) : nil
  }

  private struct Refused: Hashable {
    let kind: LeftOut.Kind
    let reason: LeftOut.Reason
  }

  /// Some file systems say that they are full where only a file's own room for attributes is.
  private func reason(_ error: Errno, setting node: HostNode) throws(Errno) -> LeftOut.Reason? {
    if error == .noSpace, try node.hasFreeSpace() { return .tooLarge }
    return Refusal.reason(error, isPrivileged: isPrivileged)
  }

  /// Makes a call; where it is refused, counts that and returns false.
  @discardableResult
  private mutating func trying(
    _ kind: LeftOut.Kind, _ path: () -> [UInt8], _ call: () throws(Errno) -> Void
  ) throws(Errno) -> Bool {
    do throws(Errno) {
      try call()
      return true
    } catch {
      try leaveOut(kind, error, path)
      return false
    }
  }

  /// Counts something that was refused.
  ///
  /// - Throws: the error, where it is no refusal.
  mutating func leaveOut(_ kind: LeftOut.Kind, _ error: Errno, _ path: () -> [UInt8]) throws(Errno) {
    guard let reason = Refusal.reason(error, isPrivileged: isPrivileged) else { throw error }
    leftOut.add(kind, reason, at: path())
  }
}
