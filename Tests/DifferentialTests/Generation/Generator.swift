import Glibc
import PosixCalls
import TestSupport

/// Makes the steps of a seed. It learns from what the reference shows after each, so that most of the next ones meet
/// something; on the same file system a seed gives the same steps.
struct Generator {
  var random: SeededRandom
  var known = KnownNames()
  var slots: [Slot: KnownSlot] = [:]
  private var made = 0

  static let slotCount = 8
  /// Between two comparisons of the whole trees.
  private static let stretch = 250

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func next() -> Step {
    made += 1
    if made == 1 { return Step(user: .root, action: .attributes(.path("."), .changeMode(0o777))) }
    if made % Self.stretch == 0 { return Self.comparison }
    let user: User = oneIn(2) ? .root : pick(User.allCases)
    return Step(user: user, action: action())
  }

  /// The last step.
  static let comparison = Step(user: .root, action: .whole(.compare))

  private mutating func action() -> Action {
    switch number(0..<1000) {
    case 0..<270: return .names(nameAction(in: nil))
    case 270..<370: return .handle(handleAction())
    case 370..<620:
      let slot = fileSlot()
      return .content(slot, contentAction(slots[slot]))
    case 620..<710:
      let slot = oneIn(4) ? fileSlot() : mappedSlot()
      return .mapping(slot, mappingAction(slots[slot]))
    case 710..<860: return .attributes(place(), attributeAction())
    case 860..<935: return .extendedAttribute(place(), extendedAttributeAction())
    case 935..<970: return .directory(directoryAction())
    default: return .whole(wholeAction())
    }
  }

  private mutating func wholeAction() -> WholeAction {
    switch number(0..<100) {
    case 0..<55: return .setMask(pick([0o022, 0o022, 0o022, 0o002, 0o002, 0, 0, 0o027, 0o077, 0o777]))
    case 55..<70: return .statistics
    case 70..<80: return .synchronize
    case 80..<90: return .compareFork
    case 90..<96: return .remount
    default: return .restart
    }
  }

  mutating func place() -> Place {
    switch number(0..<10) {
    case 0..<6: .path(existing())
    case 6..<8: .link(existing())
    default: .handle(slots.keys.sorted().randomElement(using: &random) ?? 0)
    }
  }

  // MARK: Chances

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func oneIn(_ count: Int) -> Bool { random.oneIn(count) }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0..<elements.count)] }

  mutating func mode() -> Mode {
    oneIn(5)
      ? Mode(UInt32(number(0..<0o10000)))
      : pick([0o644, 0o755, 0o777, 0o666, 0o666, 0o777, 0o600, 0o700, 0o2775, 0o1777, 0o4755, 0o6777])
  }

  mutating func content(atMost count: Int = 20_000) -> Content {
    let size: Int
    switch number(0..<10) {
    case 0..<4: size = number(0..<200)
    case 4..<6: size = number(0..<10) * 4096 + pick([-1, 0, 0, 1])
    default: size = number(0..<count)
    }
    return Content(seed: oneIn(8) ? 0 : number(1..<1000), count: max(0, size))
  }

  /// Of a file of this size.
  mutating func offset(_ size: Int) -> Int {
    switch number(0..<40) {
    case 0..<18: number(0..<max(1, min(size, 1 << 30)))
    case 18..<24: max(0, size + number(-100..<100))
    case 24..<32: max(0, number(0..<40) * 4096 + pick([-1, 0, 1]))
    case 32..<38: number(0..<300_000)
    case 38: oneIn(4) ? (1 << pick([31, 32, 40, 42])) + number(-5000..<5000) : 0
    default: pick([0, -1])
    }
  }

  mutating func alignedOffset() -> Int { number(0..<40) * 4096 }
}
