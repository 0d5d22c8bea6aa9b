/// Removes from a sequence what is not needed for it to fail (delta debugging, Zeller and Hildebrandt 2002).
///
/// - Parameters:
///   - attempts: how often `fails` may be asked.
///   - fails: where a sequence fails: the number of steps that it takes; nil where it does not.
/// - Returns: a sequence that fails, from which no single element can be removed, unless the attempts ran out.
func reduced<Element>(
  _ sequence: [Element], attempts: Int, _ fails: ([Element]) throws -> Int?
) rethrows -> [Element] {
  guard var left = Optional(attempts), let needed = try fails(sequence) else { return sequence }
  var shortest = Array(sequence.prefix(needed))
  var chunk = max(1, shortest.count / 2)
  while left > 0 {
    var hasShrunk = false
    var end = shortest.count
    while end > 0, left > 0 {
      let start = max(0, end - chunk)
      let candidate = Array(shortest[..<start] + shortest[end...])
      left -= 1
      if let needed = try fails(candidate) {
        shortest = Array(candidate.prefix(needed))
        hasShrunk = true
        end = min(start, shortest.count)
      } else {
        end = start
      }
    }
    if chunk == 1, !hasShrunk { break }
    if !hasShrunk || chunk > shortest.count { chunk = max(1, chunk / 2) }
  }
  return shortest
}
