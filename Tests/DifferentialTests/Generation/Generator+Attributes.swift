import PosixCalls

extension Generator {
  mutating func attributeAction() -> AttributeAction {
    switch number(0..<100) {
    case 0..<15: .status
    case 15..<35: .changeMode(mode())
    case 35..<50: .changeOwner(user: owner(), group: oneIn(3) ? nil : pick(User.anyGroup))
    case 50..<62: .setTimes(accessed: time(), modified: time())
    case 62..<78: .truncate(oneIn(20) ? -1 : offset(20_000))
    case 78..<92: .access(Int32(number(0..<8)))
    default: .readLink
    }
  }

  private mutating func owner() -> UInt32? { oneIn(2) ? nil : pick(User.allCases).id }

  /// One that the clock does not show while this runs, and that ext4 can keep.
  private mutating func time() -> NewTime {
    switch number(0..<8) {
    case 0, 1: .now
    case 2: .omit
    case 3: .at(FileTime(Int64(number(-2_000_000_000..<0)), UInt32(number(0..<1_000_000_000))))
    case 4: .at(FileTime(Int64(number(5_000_000_000..<15_000_000_000)), pick([0, 1, 999_999_999])))
    case 5: .at(FileTime(pick([0, -1, -0x8000_0000, 0x7fff_ffff, 0x8000_0000, 0x3_7fff_ffff])))
    default: .at(FileTime(Int64(number(0..<1_600_000_000)), UInt32(number(0..<1_000_000_000))))
    }
  }

  mutating func extendedAttributeAction() -> ExtendedAttributeAction {
    switch number(0..<20) {
    case 0..<3: .get(attributeName(), room: oneIn(3) ? nil : pick([0, 1, 20, 500, 4096]))
    case 3..<10: .set(attributeName(), attributeValue(), pick([.any, .any, .any, .create, .replace]))
    case 10..<12: .remove(attributeName())
    case 12..<14: .list
    default: .setList(oneIn(3) ? .default : .access, accessControlList())
    }
  }

  private mutating func attributeName() -> String {
    switch number(0..<30) {
    case 0..<14: pick(["user.a", "user.a", "user.a", "user.b"])
    case 14..<20: pick(["trusted.a", "trusted.b"])
    case 20..<23: "security.test"
    case 23, 24: pick(AccessControlList.Role.allCases).rawValue
    case 25: pick(["a", "", "user.", "other.a", "system.a", "system.posix_acl", "user", "USER.a"])
    case 26: "user." + String(repeating: "n", count: pick([100, 250, 251]))
    case 27: "user.\u{e4}\n"
    default: pick(["user.a", "trusted.a"])
    }
  }

  /// Small enough for all of a file's to fit into ext4's one block.
  private mutating func attributeValue() -> Content {
    Content(seed: number(1..<1000), count: oneIn(4) ? number(0..<300) : number(0..<60))
  }

  private mutating func accessControlList() -> AccessControlList {
    if oneIn(15) { return AccessControlList([]) }
    let users = User.allCases.map(\.id).filter { _ in oneIn(3) }
    let groups = User.anyGroup.filter { _ in oneIn(4) }
    var entries = [entry(.owner)] + users.map { entry(.user, $0) } + [entry(.owningGroup)]
    entries += groups.map { entry(.group, $0) }
    if !users.isEmpty || !groups.isEmpty || oneIn(4) { entries.append(entry(.mask)) }
    entries.append(entry(.other))
    // Lists that are none.
    if oneIn(12) { entries.remove(at: number(0..<entries.count)) }
    if oneIn(20) { entries.swapAt(0, entries.count - 1) }
    return AccessControlList(entries)
  }

  private mutating func entry(_ tag: AccessControlList.Tag, _ id: UInt32 = .max) -> AccessControlList.Entry {
    AccessControlList.Entry(tag, UInt16(number(0..<8)), of: id)
  }

  mutating func directoryAction() -> DirectoryAction {
    let directory = oneIn(4) ? "." : existing([.directory])
    let first = number(0..<40)
    switch number(0..<20) {
    case 0..<6: return .list(directory)
    case 6..<12:
      let changes = (0..<number(1..<8)).map { _ in nameAction(in: directory) }
      return .listWhileChanging(directory, count: number(0..<40), changes)
    case 12..<14: return .makeMany(directory, first..<first + number(1..<40))
    case 14..<16: return .removeMany(directory, first..<first + number(1..<60))
    default: return .appendTogether(existing([.file]), writers: number(2..<5), records: number(1..<20))
    }
  }
}
