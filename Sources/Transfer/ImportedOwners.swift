import Glibc
import Store
import SystemIO

/// Whose the files of an import are.
public enum ImportedOwners: Sendable {
  /// Whose they are now, by number.
  case kept
  /// Files belong to the user of this process, as with `cp -a` by somebody who is not root. The group stays where the user is in it.
  case importers

  /// Root keeps owners; to anybody else files of others would be of no use.
  public static var usual: ImportedOwners { geteuid() == 0 ? .kept : .importers }
}

/// Gives imported files their owners.
struct OwnerRule: Sendable {
  private static let capability = Array("security.capability".utf8)
  private let user: UInt32
  private let group: UInt32
  /// Nil to keep all owners.
  private let ownGroups: Set<UInt32>?

  init(_ owners: ImportedOwners) throws(Errno) {
    user = geteuid()
    group = getegid()
    switch owners {
    case .kept: ownGroups = nil
    case .importers:
      var groups = [gid_t](repeating: 0, count: Int(try retryingInterrupts { getgroups(0, nil) }))
      let count = try retryingInterrupts { getgroups(Int32(groups.count), &groups) }
      ownGroups = Set(groups.prefix(Int(count))).union([group])
    }
  }

  /// What would give the new owner's rights away goes with the old owner, as chown(2) has it.
  func apply(to item: inout InodeItem, _ extendedAttributes: inout [(name: [UInt8], value: [UInt8])]) {
    guard let ownGroups else { return }
    if item.owner != user {
      item.owner = user
      item.mode &= ~S_ISUID
      extendedAttributes.removeAll { $0.name == Self.capability }
    }
    if !ownGroups.contains(item.group) {
      item.group = group
      item.mode &= ~S_ISGID
    }
  }
}
