import Glibc
import MountTestSupport
import Testing

/// The same random steps on ext4 and on a mount, with the same results, errors and trees.
///
///     TINE_DIFFERENTIAL_FIRST=1 TINE_DIFFERENTIAL_SEEDS=200 TINE_DIFFERENTIAL_STEPS=2000 swift test --filter DifferentialTests
///
/// `TINE_DIFFERENTIAL_REFERENCE` is the directory to compare with, on ext4.
@Suite(
  .serialized, .enabled(if: TemporaryMountPoint.obstacle == nil, "\(TemporaryMountPoint.obstacle ?? "")")
) struct DifferentialTests {
  private static let first = number("TINE_DIFFERENTIAL_FIRST") ?? 1
  private static let seeds = number("TINE_DIFFERENTIAL_SEEDS") ?? 3
  private static let steps = number("TINE_DIFFERENTIAL_STEPS") ?? 600

  private static func number(_ name: String) -> Int? { environment(name).flatMap { Int($0) } }

  @Test(arguments: first..<first + seeds)
  func forksBehaveAsTheReferenceDoes(seed: Int) throws {
    let makes = { try Pair(MountedFork()) }
    guard let difference = try Difference.first(ofSeed: UInt64(seed), count: Self.steps, on: makes) else { return }
    let shortest = try difference.shrunk(attempts: 400, on: makes)
    Issue.record(
      """
      seed \(seed), after \(difference.steps.count) steps, the last of them:
      \(list(difference.steps.suffix(10)))
        \(difference.what)
      These \(shortest.steps.count) steps are enough\(shortest.isRepeatable ? "" : ", though not every time"):
      \(list(shortest.steps.suffix(100)))
        \(shortest.what)
      """)
  }

  private func list(_ steps: ArraySlice<Step>) -> String { steps.map { "    \($0)" }.joined(separator: "\n") }
}
