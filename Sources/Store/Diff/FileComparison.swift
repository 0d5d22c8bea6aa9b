import Ledger
import SystemIO
import Tree

/// Compares two inodes of one kind, each in its state.
struct FileComparison {
  let old: StateReader
  let new: StateReader
  let changed: ChangedNames

  struct Outcome {
    var pages: [Range<UInt64>] = []
    var attributes: [Change.Attribute] = []

    var isEmpty: Bool { pages.isEmpty && attributes.isEmpty }
  }

  func compare(
    _ oldInode: InodeNumber, _ before: InodeItem, _ newInode: InodeNumber, _ after: InodeItem
  ) throws(TreeError) -> Outcome {
    let difference = changed.inodes[oldInode]
    // An inode that both trees have tells by itself what may differ.
    if oldInode == newInode, difference == nil { return Outcome() }
    var outcome = Outcome(attributes: before.attributes(differingFrom: after))
    let mayHaveOtherAttributes = oldInode != newInode || difference?.extendedAttributesChanged == true
    if after.isSymbolicLink, oldInode != newInode,
      try old.target(of: oldInode, before) != new.target(of: newInode, after)
    {
      outcome.attributes.append(.target)
    }
    if mayHaveOtherAttributes,
      try old.extendedAttributes(of: oldInode) != new.extendedAttributes(of: newInode)
    {
      outcome.attributes.append(.extendedAttributes)
    }
    guard after.isRegular else { return outcome }
    if oldInode == newInode {
      outcome.pages = try pages(difference?.oldExtents ?? [], difference?.newExtents ?? [])
    } else {
      outcome.pages = try pages(old.extents(of: oldInode), new.extents(of: newInode))
    }
    return outcome
  }

  /// Whether two files have the same bytes.
  func haveEqualContent(_ oldInode: InodeNumber, _ newInode: InodeNumber) throws(TreeError) -> Bool {
    let (left, right) = (try old.extents(of: oldInode), try new.extents(of: newInode))
    do throws(LedgerError) {
      return try !PageComparison(ledger: old.ledger).differ(left, right)
    } catch {
      throw TreeError(error)
    }
  }

  private func pages(_ old: [FileExtent], _ new: [FileExtent]) throws(TreeError) -> [Range<UInt64>] {
    do throws(LedgerError) {
      return try PageComparison(ledger: self.old.ledger).differingPages(old, new)
    } catch {
      throw TreeError(error)
    }
  }
}
