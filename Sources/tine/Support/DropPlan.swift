import Control

/// Forks and snapshots to drop together, in an order in which they can go: snapshots come before their forks.
struct DropPlan {
  let names: [String]

  /// Looks for whatever keeps one of them from being dropped.
  init(_ references: [String], engine: any Engine) throws(Failure) {
    var chosen: [String] = []
    for reference in references where !chosen.contains(reference) { chosen.append(reference) }
    let heads = try engine.heads()
    do throws(Failure) {
      for name in chosen { try Self.check(name, heads, engine, besides: chosen) }
    } catch {
      throw chosen.count == 1 ? error : Failure(error.kind, error.message + "; nothing was dropped", hint: error.hint)
    }
    names = chosen.filter { $0.contains("@") } + chosen.filter { !$0.contains("@") }
  }

  private static func check(
    _ name: String, _ heads: [Head], _ engine: any Engine, besides chosen: [String]
  ) throws(Failure) {
    // The engine says what is wrong with a name that it does not list.
    let listed = heads.first { $0.name == name }
    let head = if let listed { listed } else { try engine.head(name).head }
    if let mount = head.mount {
      throw Failure(
        .conflict, "\(name) is mounted at \(mount.directory.quoted)", hint: "'tine unmount \(name)' first")
    }
    let snapshots = heads.map(\.name).filter { $0.hasPrefix(name + "@") && !chosen.contains($0) }
    if !snapshots.isEmpty {
      throw Failure(
        .conflict, "'\(name)' has snapshots: \(snapshots.joined(separator: ", "))", hint: "drop them first")
    }
  }

  /// Drops them, and returns what was dropped: all of it, or what came before a failure.
  func carryOut(_ engine: any Engine) -> (dropped: [String], failure: Failure?) {
    var dropped: [String] = []
    for name in names {
      do throws(Failure) { try engine.drop(name) } catch { return (dropped, error) }
      dropped.append(name)
    }
    return (dropped, nil)
  }
}
