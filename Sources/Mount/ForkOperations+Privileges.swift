import FUSE
import FileSystem
import Glibc
import SystemIO

/// Taking set-user-ID and set-group-ID bits away, which the kernel leaves to us (HANDLE_KILLPRIV_V2), and with it the
/// question who may. It does not say who asks, so that is looked up for the few files that have such bits.
extension ForkOperations {
  /// What changes of attributes come to when this caller asks for them; nil for nothing.
  ///
  /// Changes that take privileges away and are empty otherwise are a chown(2) that names neither owner nor group, which only
  /// those who own the file may do; or they come before a write, which takes the bits away itself.
  func change(
    _ changes: AttributeChanges, of node: NodeID, for caller: Caller, _ files: FileSystem
  ) throws(Errno) -> AttributeChange? {
    var change = AttributeChange(changes)
    guard change.killsPrivileges else { return change }
    let attributes = try files.getattr(node)
    guard attributes.hasSetIDBits, let rights = CallerRights(of: caller) else { return change }
    change.killsSetGroup = rights.loseSetGroup(attributes.group)
    let takesBits = attributes.mode & (S_ISUID | S_IXGRP) != 0 || change.killsSetGroup
    return changes.isEmpty && takesBits && !rights.own(attributes) ? nil : change
  }

  /// For changes of content of which the kernel does not say whether they take privileges away.
  func takePrivileges(of node: NodeID, from caller: Caller, _ files: FileSystem) throws(Errno) {
    let attributes = try files.getattr(node)
    guard attributes.hasSetIDBits else { return }
    let rights = CallerRights(of: caller)
    if let rights, rights.keepsSetIDBits { return }
    var change = AttributeChange()
    change.killsPrivileges = true
    change.killsSetGroup = rights?.loseSetGroup(attributes.group) ?? false
    _ = try files.setattr(node, change)
  }
}

extension CallerRights {
  func own(_ attributes: Attributes) -> Bool { user == attributes.owner || actsAsAnyOwner }

  /// Whether the set-group-ID bit of a file of this group goes even where the group may not execute the file.
  func loseSetGroup(_ group: UInt32) -> Bool { !keepsSetIDBits && !groups.contains(group) }
}

extension Attributes {
  fileprivate var hasSetIDBits: Bool { mode & S_IFMT != S_IFDIR && mode & (S_ISUID | S_ISGID) != 0 }
}
