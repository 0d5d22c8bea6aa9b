/// The first step of a sequence after which the two sides differ.
struct Difference {
  typealias Makes = () throws -> Pair

  /// All steps up to it.
  var steps: [Step]
  var what: String
  /// Whether the same steps led to a difference again.
  var isRepeatable = false

  /// Takes the steps that `next` gives; nil where the sides agree all the time.
  private static func first(on makes: Makes, _ next: (Pair) -> Step?) throws -> Difference? {
    let pair = try makes()
    var steps: [Step] = []
    while let step = next(pair) {
      steps.append(step)
      do {
        if let what = try pair.take(step) { return Difference(steps: steps, what: what) }
      } catch {
        return Difference(steps: steps, what: "it cannot go on: \(error)")
      }
    }
    return nil
  }

  static func first(in steps: [Step], on makes: Makes) throws -> Difference? {
    var rest = steps[...]
    return try first(on: makes) { _ in rest.popFirst() }
  }

  /// The steps of a seed.
  static func first(ofSeed seed: UInt64, count: Int, on makes: Makes) throws -> Difference? {
    var generator = Generator(seed: seed)
    var latest: Step?
    var made = 0
    return try first(on: makes) { pair in
      if let latest { generator.learn(from: latest, pair.latest) }
      made += 1
      if made > count { return nil }
      latest = made == count ? Generator.comparison : generator.next()
      return latest
    }
  }

  /// With as few steps as lead to a difference, found in so many attempts.
  func shrunk(attempts: Int, on makes: Makes) throws -> Difference {
    var shortest = self
    _ = try reduced(steps, attempts: attempts) { steps in
      guard let found = try Difference.first(in: steps, on: makes) else { return nil }
      shortest = found
      shortest.isRepeatable = true
      return found.steps.count
    }
    return shortest
  }
}
