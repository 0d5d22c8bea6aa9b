import Store
import SystemIO

/// The file system's share of access control lists. The kernel checks them; it leaves it to us to keep them and the mode in step,
/// and to hand them down.
extension Transaction {
  /// Gives a new object its permissions: what the default list of its directory and the mode allow or, without such a list, the
  /// mode less the file creation mask. Symbolic links have none.
  mutating func inheritPermissions(
    _ new: inout NewInode, from directory: InodeNumber, _ credentials: Credentials
  ) throws(Errno) {
    guard let mask = credentials.fileCreationMask, !new.item.isSymbolicLink else { return }
    guard let inherited = try accessControlList(AccessControlList.defaultName, of: directory) else {
      new.item.mode &= ~(mask & 0o777)
      return
    }
    if new.item.isDirectory { try putAttribute(AccessControlList.defaultName, inherited.encoded(), of: new.number) }
    let list = inherited.inherited(by: new.item.mode)
    new.item.mode = new.item.mode & ~0o777 | list.permissions
    if !list.isMinimal { try putAttribute(AccessControlList.accessName, list.encoded(), of: new.number) }
  }

  /// Lets the list of an object follow its new mode.
  mutating func followMode(_ item: InodeItem, _ inode: InodeNumber) throws(Errno) {
    guard var list = try accessControlList(AccessControlList.accessName, of: inode) else { return }
    list.setPermissions(item.mode)
    try putAttribute(AccessControlList.accessName, list.encoded(), of: inode)
  }

  /// Lets the mode of an object follow its new list; false when the mode says all that the list does, and it need not be kept.
  func setMode(
    of item: inout InodeItem, from value: [UInt8], clearsSetGroup: Bool
  ) throws(Errno) -> Bool {
    guard let list = AccessControlList(decoding: value) else { throw .invalidArgument }
    item.mode = item.mode & ~0o777 | list.permissions
    if clearsSetGroup { item.mode &= ~Mode.setGroup }
    return !list.isMinimal
  }

  private func accessControlList(_ name: [UInt8], of inode: InodeNumber) throws(Errno) -> AccessControlList? {
    guard let value = try volume.extendedAttribute(name, of: inode) else { return nil }
    return AccessControlList(decoding: value)
  }
}
