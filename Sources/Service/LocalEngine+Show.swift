public import Control
import Store

extension LocalEngine {
  public func head(_ reference: String) throws(Failure) -> HeadReport {
    let store = try store()
    return try translating { () throws(StoreError) in
      let reference = try Reference(reference)
      let head = try store.head(reference)
      let all = store.heads()
      return HeadReport(
        head: Control.Head(head), ancestors: ancestors(of: head, among: all),
        children: all.filter { $0.parent == head.name }.map(\.name),
        usage: Usage(entries: head.inodes, bytes: head.bytes, ownBytes: try store.ownBytes(reference)))
    }
  }

  private func ancestors(of head: StoredHead, among all: [StoredHead]) -> [String] {
    let parents = Dictionary(all.map { ($0.name, $0.parent) }, uniquingKeysWith: { first, _ in first })
    var ancestors: [String] = []
    var next = head.parent
    while let name = next, ancestors.count < all.count {
      ancestors.append(name)
      next = parents[name] ?? nil
    }
    return ancestors
  }
}
