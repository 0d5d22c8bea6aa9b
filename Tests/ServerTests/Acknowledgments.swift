import TestSupport
import Testing

/// A log on the host in which a client notes each change that was acknowledged, one a line.
struct Acknowledgments {
  let log: String
  /// What such a line looks like.
  var pattern = "^[0-9]+$"

  var count: Int { Int(shell("grep -cE '\(pattern)' '\(log)'").output.split(separator: "\n").first ?? "") ?? 0 }

  func wait(for count: Int) {
    let waited = shell(
      """
      touch '\(log)'
      timeout 60 sh -c 'while [ "$(grep -cE "\(pattern)" "\(log)")" -lt \(count) ]; do sleep 0.01; done'
      """)
    #expect(waited.code == 0, "\(self.count) changes were acknowledged: \(shell("tail -n 5 '\(log)'").output)")
  }
}
