import FileSystem
import Ledger
import SystemIO
import TestSupport

@testable import Store

/// What every fork and snapshot held from one LSN on.
struct Moment {
  var lsn: UInt64
  /// How many effects the disk had seen when the change was acknowledged.
  var effects: Int
  var models: [String: ModelFileSystem]
  /// What each fork of another began with.
  var forkPoints: [String: ModelFileSystem]
}

/// A flush that was acknowledged: from then on, no crash may lose what came before.
struct Acknowledgement {
  /// How many effects the disk had seen when it was given.
  var effects: Int
  var lsn: UInt64
}

/// A workload that was carried out, with all that is needed to judge what a crash at any of its effects leaves.
struct Recording {
  var start: DiskImage
  var effects: [Effect] = []
  /// In the order of their LSNs.
  var moments: [Moment] = []
  var acknowledgements: [Acknowledgement] = []
  /// Effects before this one made the store, and are not crashed in.
  var firstEffect = 0

  /// The state that all heads have when the ledger ends at an LSN; nil before the first.
  func moment(at lsn: UInt64) -> Moment? { moments.last { $0.lsn <= lsn } }

  /// The LSN that a crash after so many effects must not fall behind: what was flushed or, where only the process died, what was
  /// acknowledged.
  func leastLSN(after effects: Int, _ survival: Survival) -> UInt64 {
    let flushed = acknowledgements.lazy.filter { $0.effects <= effects }.map(\.lsn).max() ?? 0
    guard survival == .everything else { return flushed }
    return max(flushed, moments.lazy.filter { $0.effects <= effects }.map(\.lsn).max() ?? 0)
  }
}
