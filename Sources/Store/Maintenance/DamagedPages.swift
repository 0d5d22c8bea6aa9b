import Ledger
import SystemIO
import Tree

/// Pages of one head that cannot be read, gathered in the order of their keys, so that neighbours make one problem.
struct DamagedPages {
  private struct Run {
    let inode: InodeNumber
    let first: UInt64
    var last: UInt64
    /// What is wrong with the first of them.
    let message: String
  }

  private var runs: [Run] = []

  var isEmpty: Bool { runs.isEmpty }

  mutating func add(_ inode: InodeNumber, _ pages: ClosedRange<UInt64>, _ message: String) {
    if let run = runs.last, run.inode == inode, run.last + 1 == pages.lowerBound,
      !Self.beginsAttribute(pages.lowerBound)
    {
      runs[runs.count - 1].last = pages.upperBound
    } else {
      runs.append(Run(inode: inode, first: pages.lowerBound, last: pages.upperBound, message: message))
    }
  }

  private static func beginsAttribute(_ page: UInt64) -> Bool {
    page >= ExtendedAttributeItem.firstContentPage && page % ExtendedAttributeItem.contentPages == 0
  }

  func problems(_ head: String, _ census: Census, _ names: CensusNames) -> [CheckProblem] {
    runs.map { run in
      var problem = CheckProblem(head: head, paths: names.paths(of: run.inode), message: run.message)
      if problem.paths.isEmpty { problem.message = "inode \(run.inode), which has no name: \(run.message)" }
      if run.first < ExtendedAttributeItem.firstContentPage {
        // An extent that a damaged tree makes longer than any file ends there.
        problem.pages = run.first...min(run.last, ExtendedAttributeItem.firstContentPage - 1)
      } else {
        let name =
          census.attribute(of: run.inode, at: run.first).map { " \(String(decoding: $0, as: UTF8.self))" } ?? ""
        problem.message = "the value of its extended attribute\(name): \(problem.message)"
      }
      return problem
    }
  }
}
