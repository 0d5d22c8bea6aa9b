import FUSE
import FileSystem
import Store

// What a file system and FUSE have different types for.

extension NodeAttributes {
  init(_ attributes: Attributes) {
    self.init(
      node: attributes.inode, mode: attributes.mode, links: attributes.links, user: attributes.owner,
      group: attributes.group, device: attributes.device, size: attributes.size, blocks: attributes.blocks,
      accessed: NodeTime(attributes.accessed), modified: NodeTime(attributes.modified),
      changed: NodeTime(attributes.changed))
  }
}

extension NodeTime {
  init(_ time: Timestamp) { self.init(seconds: time.seconds, nanoseconds: time.nanoseconds) }
}

extension Timestamp {
  init(_ time: NodeTime) { self.init(seconds: time.seconds, nanoseconds: time.nanoseconds) }
}

extension TimeChange {
  init(_ time: AttributeChanges.Time) {
    switch time {
    case .now: self = .now
    case .at(let time): self = .at(Timestamp(time))
    }
  }
}

extension AttributeChange {
  /// With HANDLE_KILLPRIV_V2 the kernel leaves it to us to take set-user-ID bits away when the owner changes, for
  /// everybody, and does not say so. A request that changes nothing, or only the time of change, is a chown(2) without a
  /// new owner or group, which takes them away too.
  init(_ changes: AttributeChanges) {
    self.init()
    mode = changes.mode
    owner = changes.user
    group = changes.group
    size = changes.size
    accessed = changes.accessed.map(TimeChange.init)
    modified = changes.modified.map(TimeChange.init)
    changed = changes.changed.map(Timestamp.init)
    killsPrivileges = changes.clearsPrivileges || owner != nil || group != nil || changes.isEmpty
  }
}

extension AttributeChanges {
  /// Apart from the time of change.
  var isEmpty: Bool {
    mode == nil && user == nil && group == nil && size == nil && accessed == nil && modified == nil
  }
}

extension Credentials {
  init(_ caller: Caller) {
    self.init(user: caller.user, group: caller.group, fileCreationMask: caller.fileCreationMask)
  }
}

extension Statistics {
  init(_ statistics: FileSystemStatistics) {
    self.init(
      blockSize: statistics.blockSize, blocks: statistics.blocks, freeBlocks: statistics.freeBlocks,
      availableBlocks: statistics.freeBlocks, files: statistics.files, freeFiles: statistics.freeFiles,
      maximumNameLength: statistics.maximumNameLength)
  }
}
