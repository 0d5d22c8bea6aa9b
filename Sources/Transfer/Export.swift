import FileSystem
import Glibc
public import Store
public import SystemIO

/// What an export did.
public struct ExportReport: Sendable {
  public var total: TransferProgress
  /// What the target cannot hold; empty where it is like the fork.
  public var leftOut: [LeftOut]
}

/// Writes the present state of a fork or snapshot into a new directory of the host, with everything that an import takes.
/// It is made under another name beside it and renamed at the end, so the directory is whole or not there.
///
/// - Parameters:
///   - parent: the directory that it is made in; open in any way, also with O_PATH.
///   - name: its name there, which must not be taken.
///   - path: its path, for messages.
///   - progress: told about every entry; returns false to cancel.
@discardableResult
public func exportDirectory(
  _ reference: Reference, of store: Store, into parent: borrowing FileDescriptor, as name: [UInt8],
  describedAs path: [UInt8], progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
) throws(TransferError) -> ExportReport {
  let meter = TransferMeter(progress)
  let fileSystem = try frozen(reference, of: store, at: path)
  let parent = try at(path) { () throws(Errno) in try HostDirectory(marking: parent, at: TreePath(path)) }
  try refuse(parent, in: store)
  let isTaken = try at(path) { () throws(Errno) in try parent.holds(name) }
  if isTaken { throw TransferError(.taken, at: path) }
  let (temporary, directory) = try at(path) { () throws(Errno) in
    try parent.makeTemporaryDirectory(named: ".tine-export")
  }
  do throws(TransferError) {
    let top = try at(path) { () throws(Errno) in
      let top = try HostDirectory(reopening: directory.descriptor, at: TreePath(path))
      try AttributeExporter.removeLists(of: top.node)
      try top.node.setMode(0o700)
      return top
    }
    var walk = try ExportWalk(fileSystem, into: top, meter)
    try walk.run()
    do throws(Errno) { try parent.rename(temporary, to: name) } catch {
      throw Errno.signsOfTakenName.contains(error) ? TransferError(.taken, at: path) : TransferError(error, at: path)
    }
    return ExportReport(total: meter.total, leftOut: walk.leftOut)
  } catch {
    var failure = error
    do throws(TransferError) { try TreeRemoval.remove(temporary, from: parent) } catch { failure.leavesRemains = true }
    throw failure
  }
}

/// Writes the present state of a fork or snapshot into an empty directory of the host, which may be where a file system is mounted. The
/// directory gets the attributes of the fork's root. Where the export fails, it is as before.
///
/// - Parameters:
///   - target: the directory; open in any way, also with O_PATH. A new file system's `lost+found` may be in it.
///   - path: its path, for messages.
///   - progress: told about every entry; returns false to cancel.
@discardableResult
public func exportDirectory(
  _ reference: Reference, of store: Store, filling target: borrowing FileDescriptor, describedAs path: [UInt8],
  progress: @escaping @Sendable (TransferProgress) -> Bool = { _ in true }
) throws(TransferError) -> ExportReport {
  let meter = TransferMeter(progress)
  let fileSystem = try frozen(reference, of: store, at: path)
  let top = try at(path) { () throws(Errno) in try HostDirectory(reopening: target, at: TreePath(path)) }
  try refuse(top, in: store)
  let filled = try FilledDirectory(top)
  do throws(TransferError) {
    let present = try filled.takeOver()
    var walk = try ExportWalk(fileSystem, into: top, present: present, topMayInherit: filled.handsListsDown, meter)
    do throws(TransferError) { try walk.run() } catch {
      var failure = error
      do throws(TransferError) { try walk.undo() } catch { failure.leavesRemains = true }
      throw failure
    }
    return ExportReport(total: meter.total, leftOut: walk.leftOut)
  } catch {
    var failure = error
    do throws(TransferError) { try filled.restore() } catch { failure.leavesRemains = true }
    throw failure
  }
}

private func frozen(_ reference: Reference, of store: Store, at path: [UInt8]) throws(TransferError) -> FileSystem {
  do throws(StoreError) { return FileSystem(try store.frozenVolume(reference)) } catch {
    throw TransferError(.store(error), at: path)
  }
}

private func refuse(_ directory: HostDirectory, in store: Store) throws(TransferError) {
  let isInStore = try at(directory.path) { () throws(Errno) in try StorePlace(of: store).contains(directory) }
  if isInStore { throw TransferError(.isStore, at: directory.path) }
}

extension Errno {
  fileprivate static let signsOfTakenName: Set<Errno> = [.exists, .directoryNotEmpty, .notDirectory]
}
