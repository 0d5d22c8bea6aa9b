import PosixCalls
import SystemIO

/// What stat(2) tells before and after a step of the places that it may concern.
struct Observation: Hashable {
  var place: Place
  var before: Result<Status, Errno>
  var after: Result<Status, Errno>
  /// Whether the times may change by themselves: a mapping was written to.
  var isUnsettled: Bool
}

extension Side {
  func observe(_ places: [Place]) -> [Result<Status, Errno>] {
    callers[.root]!.run {
      places.map { place in
        Result { () throws(Errno) in
          switch place {
          case .path(let path): return try path.status(followsLink: true)
          case .link(let path): return try path.status()
          case .handle(let slot):
            guard let handle = handles[slot] else { throw .badDescriptor }
            return try handle.file.status()
          }
        }
      }
    }
  }

  /// As root, so that it does not fail.
  func setTimesToNow(_ place: Place) {
    _ = take(Step(user: .root, action: .attributes(place, .setTimes(accessed: .now, modified: .now))))
  }

  /// Takes a step and tells what it led to and what changed.
  func takeObserved(_ step: Step) -> (Outcome, [Observation]) {
    let places = step.places
    var before = observe(places)
    // The number of the file that was open there may be given to the new one.
    if let slot = step.openedSlot, let index = places.firstIndex(of: .handle(slot)) {
      before[index] = .failure(.badDescriptor)
    }
    let wasUnsettled = before.map { isUnsettled(try? $0.get().inode) }
    let outcome = take(step)
    let after = observe(places)
    if case .attributes(_, .setTimes) = step.action {
      undecided.formUnion(after.compactMap { try? $0.get().inode }.filter(unsettled.contains))
    }
    let observations = places.indices.map { index in
      Observation(
        place: places[index], before: before[index], after: after[index],
        isUnsettled: wasUnsettled[index] || isUnsettled(try? after[index].get().inode))
    }
    return (outcome, observations)
  }
}

extension Observation {
  /// The part that must be the same on both sides.
  struct Shared: Hashable, CustomStringConvertible {
    var status: SharedStatus?
    var error: Errno?
    /// Whether it is another file now; nil where it was none or is none.
    var isReplaced: Bool?
    /// Whether the times of access, modification and change are others now; nil where that does not count.
    var newTimes: [Bool]?

    var description: String {
      let times = newTimes.map { zip(["accessed", "modified", "changed"], $0).filter(\.1).map(\.0) }
      return "\(status.map { "\($0)" } ?? "\(error.map { "\($0)" } ?? "")")"
        + (isReplaced == true ? ", another file" : "") + (times.map { ", new times \($0)" } ?? "")
    }
  }

  func shared(withTimes: Bool) -> Shared {
    guard let after = try? after.get() else {
      var shared = Shared()
      if case .failure(let error) = after { shared.error = error }
      return shared
    }
    var shared = Shared(status: SharedStatus(after))
    guard let before = try? before.get() else { return shared }
    shared.isReplaced = before.inode != after.inode
    if withTimes, before.inode == after.inode {
      shared.newTimes = [
        before.accessed != after.accessed, before.modified != after.modified, before.changed != after.changed,
      ]
    }
    return shared
  }

  /// A rule for clocks: a change is never noted at an earlier time.
  var brokenRule: String? {
    guard let before = try? before.get(), let after = try? after.get(), before.inode == after.inode,
      after.changed < before.changed
    else { return nil }
    return "the time of change went back from \(before.changed) to \(after.changed)"
  }
}

extension Step {
  /// The slot that gets another file.
  fileprivate var openedSlot: Slot? {
    switch action {
    case .handle(.open(let slot, _, _, _)), .handle(.reopen(let slot, _, _)), .handle(.openByHandle(let slot, _, _)):
      slot
    default: nil
    }
  }

  /// What may look different after it.
  var places: [Place] {
    switch action {
    case .names(let action): action.paths.flatMap { [.link($0), .path($0), .path($0.parent)] }
    case .handle(.open(let slot, let path, _, _)): [.link(path), .path(path.parent), .handle(slot)]
    case .handle(.openByHandle(let slot, let path, _)): [.link(path), .handle(slot)]
    case .handle(.close(let slot)): [.handle(slot)]
    case .handle(.link(let slot, let path)): [.handle(slot), .link(path), .path(path.parent)]
    case .handle(.reopen(let slot, let source, _)): [.handle(slot), .handle(source)]
    case .content(let slot, .copyRange(_, let target, _, _)): [.handle(slot), .handle(target)]
    case .content(let slot, _), .mapping(let slot, _): [.handle(slot)]
    case .attributes(let place, _), .extendedAttribute(let place, _): [place]
    case .directory(.list(let path)): [.path(path)]
    case .directory(.appendTogether(let path, _, _)): [.path(path)]
    case .directory(.listWhileChanging(let path, _, _)), .directory(.makeMany(let path, _)),
      .directory(.removeMany(let path, _)):
      [.path(path)]
    case .whole: []
    }
  }
}
