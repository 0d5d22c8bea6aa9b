import Glibc
import PosixCalls
import SystemIO

/// A directory on which steps are taken, with the users who take them and the files that they have open.
///
/// The users see nothing but this directory: whatever a step says, and whoever says it, nothing else is touched.
final class Side {
  let name: String
  let root: String
  var handles: [Slot: Handle] = [:]
  /// The files that were changed through a mapping since they were synchronized: a file system may note the time of
  /// that any time.
  var unsettled: Set<UInt64> = []
  /// The files whose times were set meanwhile.
  var undecided: Set<UInt64> = []
  private(set) var callers: [User: Caller] = [:]
  private var masks: [User: mode_t] = [:]
  /// /proc/self/fd, which the users can't see.
  let descriptors: OpenFile

  private let forgets: (Step) -> Bool

  init(_ name: String, at root: String, forgets: @escaping (Step) -> Bool = { _ in false }) throws(Errno) {
    self.name = name
    self.forgets = forgets
    self.root = root
    descriptors = try Path("/proc/self/fd").open(O_RDONLY | O_DIRECTORY)
    try enter()
  }

  func enter() throws(Errno) {
    for user in User.allCases {
      callers[user] = try Caller(
        user: user.id, group: user.group, groups: user.supplementaryGroups, umask: masks[user] ?? 0o022, root: root)
    }
  }

  /// Closes everything, so that nothing keeps the directory from being unmounted.
  func leave() {
    handles = [:]
    unsettled = []
    callers = [:]
  }

  func isUnsettled(_ inode: UInt64?) -> Bool { inode.map { unsettled.contains($0) || undecided.contains($0) } ?? false }

  /// Takes a step.
  func take(_ step: Step) -> Outcome {
    if forgets(step) { return .done }
    return callers[step.user]!.run { outcome { () throws(Errno) in try take(step.action, step.user) } }
  }

  private func take(_ action: Action, _ user: User) throws(Errno) -> Outcome {
    switch action {
    case .names(let action): try take(action)
    case .handle(let action): try take(action)
    case .content(let slot, let action): try take(action, slot)
    case .mapping(let slot, let action): try take(action, slot)
    case .attributes(let place, let action): try take(action, place)
    case .extendedAttribute(let place, let action): try take(action, place)
    case .directory(let action): try take(action)
    case .whole(let action): try take(action, user)
    }
  }

  /// What the steps do that do not concern both sides.
  private func take(_ action: WholeAction, _ user: User) throws(Errno) -> Outcome {
    switch action {
    case .setMask(let mode):
      masks[user] = mode.rawValue
      return .number(Int(umask(mode.rawValue)))
    case .statistics: return statisticsOutcome(try Path(".").fileSystemStatus())
    case .synchronize: try Path(".").open(O_RDONLY).synchronizeFileSystem()
    case .compare, .compareFork, .remount, .restart: break
    }
    return .done
  }

  private func statisticsOutcome(_ status: statvfs) -> Outcome {
    let isSane =
      status.f_blocks > 0 && status.f_bfree <= status.f_blocks && status.f_bavail <= status.f_bfree
      && status.f_files > 0 && status.f_ffree <= status.f_files && status.f_frsize > 0
    return isSane
      ? .several([.number(Int(status.f_bsize)), .number(Int(status.f_namemax))]) : .broken("statvfs \(status)")
  }
}

/// An open file, and its mapping.
struct Handle {
  let file: OpenFile
  let flags: OpenFlags
  var mapping: Mapping?
  /// Where the mapping begins in the file, and whether it may be written to.
  var offset = 0
  var isWritable = false
}

func outcome(_ body: () throws(Errno) -> Outcome) -> Outcome {
  do throws(Errno) { return try body() } catch { return .failed(error) }
}
