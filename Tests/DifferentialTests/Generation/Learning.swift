import Glibc
import PosixCalls

/// What is known of an open file.
struct KnownSlot {
  var flags: OpenFlags
  var isFile: Bool
  var size: Int
  /// The bytes of the file that are mapped.
  var mapping: Range<Int>?
}

extension Generator {
  /// Takes up what the reference showed after a step.
  mutating func learn(from step: Step, _ observations: [Observation]) {
    if case .names(.rename(let old, let new, let flags)) = step.action, !flags.contains(.exchange),
      observations.contains(where: { $0.place == .link(old) && $0.hasGone })
    {
      known.move(old, to: new)
    }
    for observation in observations {
      switch observation.place {
      case .link(let path), .path(let path):
        if case .path = observation.place, observations.contains(where: { $0.place == .link(path) }) { continue }
        if let status = try? observation.after.get() {
          known.add(path, .init(status), &random)
        } else {
          known.remove(path)
        }
      case .handle(let slot): learn(slot, step.action, observation)
      }
    }
    if case .whole(.remount) = step.action { slots = [:] }
    if case .whole(.restart) = step.action { slots = [:] }
  }

  private mutating func learn(_ slot: Slot, _ action: Action, _ observation: Observation) {
    guard let status = try? observation.after.get() else {
      slots[slot] = nil
      return
    }
    var new = slots[slot] ?? KnownSlot(flags: [], isFile: false, size: 0)
    switch action {
    case .handle(.open(slot, _, let flags, _)), .handle(.reopen(slot, _, let flags)),
      .handle(.openByHandle(slot, _, let flags)):
      new = KnownSlot(flags: flags, isFile: false, size: 0)
    case .mapping(_, .map(let firstPage, let pages, _)): new.mapping = firstPage * 4096..<(firstPage + pages) * 4096
    case .mapping(_, .unmap): new.mapping = nil
    default: break
    }
    new.isFile = status.kind == S_IFREG
    new.size = Int(status.size)
    slots[slot] = new
  }

  /// A slot that holds a regular file, mostly.
  mutating func fileSlot() -> Slot {
    let files = slots.filter { $0.value.isFile && !$0.value.flags.contains(.pathOnly) }.keys.sorted()
    return oneIn(15) ? number(0..<Self.slotCount) : files.randomElement(using: &random) ?? 0
  }

  /// One of which something is mapped, if there is any.
  mutating func mappedSlot() -> Slot {
    slots.filter { $0.value.mapping != nil }.keys.sorted().randomElement(using: &random) ?? fileSlot()
  }
}

extension Observation {
  var hasGone: Bool {
    guard case .success = before, case .failure = after else { return false }
    return true
  }
}
