public import Control
import FileSystem
import Glibc
import Store
import SystemIO

extension LocalEngine {
  public func heads() throws(Failure) -> [Control.Head] { try store().heads().map { Control.Head($0) } }

  public func fork(_ request: ForkRequest) throws(Failure) -> Control.Head {
    guard let source = request.source else { return try makeEmptyFork(request.name) }
    let store = try writableStore()
    return try translating { () throws(StoreError) in
      Control.Head(try store.fork(Reference(source), as: request.name))
    }
  }

  public func snapshot(_ request: SnapshotRequest) throws(Failure) -> Control.Head {
    let store = try writableStore()
    return try translating { () throws(StoreError) in
      let head = try store.snapshot(Reference(request.fork), as: request.name)
      // It names a state for good, so it must outlive a power cut.
      try store.flush()
      return Control.Head(head)
    }
  }

  public func drop(_ reference: String) throws(Failure) {
    let store = try writableStore()
    try translating { () throws(StoreError) in try store.drop(Reference(reference)) }
  }

  /// Makes a fork that holds nothing but its root. It is an import until it has one, so that nobody sees it without.
  private func makeEmptyFork(_ name: String) throws(Failure) -> Control.Head {
    let store = try writableStore()
    return try translating { () throws(StoreError) in
      let head = try store.beginImport(named: name)
      do throws(StoreError) {
        try makeRoot(of: try store.volume(ofImport: head.id))
        return Control.Head(try store.completeImport(head.id))
      } catch {
        try store.abandonImport(head.id)
        throw error
      }
    }
  }

  private func makeRoot(of volume: Volume) throws(StoreError) {
    do throws(Errno) {
      try FileSystem(volume).makeRoot(mode: 0o755, Credentials(user: geteuid(), group: getegid()))
    } catch {
      throw StoreError(error, during: "making the root of '\(volume.name)'")
    }
  }
}

extension Control.Head {
  init(_ head: StoredHead) {
    self.init(
      name: head.name, kind: head.kind == .fork ? .fork : .snapshot, parent: head.parent,
      created: Moment(nanoseconds: head.createdAt), createdAt: head.createdLSN, changedAt: head.lastLSN,
      entries: head.inodes, bytes: head.bytes)
  }
}
