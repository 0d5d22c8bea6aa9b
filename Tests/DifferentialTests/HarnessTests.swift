import Glibc
import PosixCalls
import Testing

/// That the comparison finds what differs, and nothing else, with the least steps that show it.
@Suite(.enabled(if: geteuid() == 0, "other users can be acted as by root only")) struct HarnessTests {
  @Test func aFileSystemAgreesWithItself() throws {
    let difference = try Difference.first(ofSeed: 1, count: 800) { try Pair(AnotherDirectory()) }
    #expect(difference == nil, "\(difference?.steps.last.map { "\($0)" } ?? ""): \(difference?.what ?? "")")
  }

  private static let forgotten: [@Sendable (Step) -> Bool] = [
    { if case .attributes(_, .changeMode) = $0.action { true } else { false } },
    { if case .content(_, .allocate(.zero, _, _)) = $0.action { true } else { false } },
    { if case .names(.rename(_, _, .exchange)) = $0.action { true } else { false } },
    { if case .extendedAttribute(_, .set) = $0.action { true } else { false } },
    { if case .mapping(_, .store) = $0.action { true } else { false } },
  ]

  @Test(arguments: forgotten.indices)
  func whatIsNotDoneIsFoundAndShrunk(_ index: Int) throws {
    let makes = { try Pair(AnotherDirectory(), forgets: Self.forgotten[index]) }
    let difference = try #require(try Difference.first(ofSeed: 2, count: 3000, on: makes))
    let shortest = try difference.shrunk(attempts: 300, on: makes)
    #expect(shortest.isRepeatable)
    #expect(shortest.steps.contains(where: Self.forgotten[index]))
    #expect(shortest.steps.count <= 12, "\(shortest.steps)")
  }

  @Test func nothingThatIsNeededIsTakenAway() throws {
    let shortest = reduced(Array(0..<1000), attempts: 400) { numbers in
      guard numbers.contains(17), numbers.contains(423), let last = numbers.firstIndex(of: 800) else { return nil }
      return last + 1
    }
    #expect(shortest == [17, 423, 800])
  }
}
