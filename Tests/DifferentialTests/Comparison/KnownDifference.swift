import Glibc
import PosixCalls
import SystemIO

/// A difference from ext4 that is meant, or that nobody but the kernel can take away. `docs/posix.md` lists the same.
struct KnownDifference: Sendable {
  enum Kind: Sendable {
    /// The step is taken on the fork only, which must fail so: what ext4 does would be missing from then on.
    case onlyReference(fails: Errno, @Sendable (Action) -> Bool)
    /// The outcomes may be these, of the reference and of the fork; both leave the file as it was.
    case outcomes(@Sendable (Action, Outcome, Outcome) -> Bool)
    /// The times of such a file may differ after the step with this outcome. They are made the same then.
    case times(@Sendable (Action, Outcome, Status) -> Bool)
    /// Not compared, or no step meets it.
    case leftOut
  }

  var reason: String
  var kind: Kind

  static let ofForks = [
    KnownDifference(
      reason: """
        fallocate with COLLAPSE_RANGE or INSERT_RANGE fails with EOPNOTSUPP: FUSE in the kernel refuses it without asking.
        """,
      kind: .onlyReference(fails: .notSupported) { action in
        guard case .content(_, .allocate(let mode, _, _)) = action else { return false }
        return mode == .collapse || mode == .insert
      }),
    KnownDifference(
      reason: """
        chown with neither owner nor group, of somebody else's file that has set-user-ID or set-group-ID bits, changes nothing \
        and succeeds instead of failing with EPERM: the kernel sends the same request before a write, which must go on.
        """,
      kind: .outcomes { action, reference, fork in
        guard case .attributes(_, .changeOwner(user: nil, group: nil)) = action else { return false }
        return reference == .failed(.notPermitted) && fork == .done
      }),
    KnownDifference(
      reason: "Writing to a FIFO does not change its times: the kernel keeps its content, and does not tell FUSE.",
      kind: .times { action, _, status in
        guard case .content(_, let action) = action, status.kind == S_IFIFO else { return false }
        return action.writes
      }),
    KnownDifference(
      reason: """
        A rename with RENAME_WHITEOUT that fails changes nothing; ext4 has changed the times of the old directory by then.
        """,
      kind: .times { action, outcome, _ in
        switch action {
        case .names(let action): outcome.isFailure && action.leavesWhiteout
        case .directory(.listWhileChanging(_, _, let changes)): changes.contains { $0.leavesWhiteout }
        default: false
        }
      }),
    KnownDifference(
      reason: """
        What was stored through a mapping changes the times of the file when it is written back, at msync or fsync at the latest, as \
        POSIX allows; a time that was set in between is lost then.
        """,
      kind: .leftOut),
    KnownDifference(
      reason: "Reading does not change times of access: forks are mounted as with noatime, and so is the reference.",
      kind: .leftOut),
    KnownDifference(
      reason: """
        Direct I/O takes any offset, size and address. ext4 wants whole blocks of the device, and fails with EINVAL otherwise.
        """,
      kind: .leftOut),
    KnownDifference(
      reason: """
        A file's size can be up to 2^63-1, the values of its extended attributes 64 KiB each, its times any second. ext4 ends at 16 TiB, \
        at one block for all attributes (ENOSPC), and at the years 1901 and 2446.
        """,
      kind: .leftOut),
    KnownDifference(
      reason: """
        The size of a directory is 4096, and st_blocks counts the blocks of the content: pages of zeros are holes, allocation reserves \
        nothing. Every hole of ext4 is one here too, and not the other way round.
        """,
      kind: .leftOut),
  ]
}

extension [KnownDifference] {
  /// What only the fork is asked for, and must fail with.
  func failureOfFork(_ action: Action) -> Errno? {
    for case .onlyReference(let error, let matches) in map(\.kind) where matches(action) { return error }
    return nil
  }

  func allowsTimes(_ action: Action, _ outcome: Outcome, _ status: Status) -> Bool {
    contains { known in
      guard case .times(let matches) = known.kind else { return false }
      return matches(action, outcome, status)
    }
  }

  func allows(_ action: Action, _ reference: Outcome, _ fork: Outcome) -> Bool {
    contains { known in
      guard case .outcomes(let matches) = known.kind else { return false }
      return matches(action, reference, fork)
    }
  }
}

extension NameAction {
  fileprivate var leavesWhiteout: Bool {
    if case .rename(_, _, let flags) = self { flags.contains(.whiteout) } else { false }
  }
}

extension ContentAction {
  fileprivate var writes: Bool {
    switch self {
    case .write, .writeAt, .writeVector, .append, .together: true
    case .read, .readAt, .seek, .allocate, .copyRange, .synchronize: false
    }
  }
}
