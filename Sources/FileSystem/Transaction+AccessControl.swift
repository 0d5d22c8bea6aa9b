import Store
import SystemIO

/// The file system's share of access control lists. The kernel checks them; it leaves it to us to keep them and the mode in step,
/// and to hand them down.
extension Transaction {
  /// Gives a new object its permissions: what the default list of its directory and the mode allow or, without such a list, the
  /// mode less the file creation mask.
  mutating func inheritPermissions(
    _ item: inout InodeItem, _ inode: InodeNumber, from directory: InodeNumber, mask: UInt32
  ) throws(Errno) {
    guard let inherited = try accessControlList(AccessControlList.defaultName, of: directory) else {
      item.mode &= ~(mask & 0o777)
      return
    }
    if item.isDirectory { try putAttribute(AccessControlList.defaultName, inherited.encoded(), of: inode) }
    let list = inherited.inherited(by: item.mode)
    item.mode = item.mode & ~0o777 | list.permissions
    if !list.isMinimal { try putAttribute(AccessControlList.accessName, list.encoded(), of: inode) }
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
    guard let found = try attribute(name, of: inode)?.item, found.contentPage == 0 else { return nil }
    return AccessControlList(decoding: found.value)
  }
}
