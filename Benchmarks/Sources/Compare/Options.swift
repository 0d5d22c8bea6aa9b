import Workloads

/// What was asked for on the command line.
struct Options {
  var scenarios: [String] = []
  var json = false
  /// Smaller amounts: to see that everything works, not to publish.
  var quick = false
  var wantsHelp = false
  var tine = "../.build/release/tine"
  var directory = TemporaryDirectory.defaultParent

  init(_ arguments: [String], _ known: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--json": json = true
      case "--quick": quick = true
      case "--help", "-h": wantsHelp = true
      case "--tine": tine = try Self.value(of: argument, &rest)
      case "--directory": directory = try Self.value(of: argument, &rest)
      case let name where known.contains(name): scenarios.append(name)
      default: throw Program.Failure("'\(argument)' is no scenario; there are: \(known.joined(separator: ", "))")
      }
    }
    if scenarios.isEmpty { scenarios = known }
  }

  private static func value(of option: String, _ rest: inout ArraySlice<String>) throws -> String {
    guard let value = rest.popFirst() else { throw Program.Failure("\(option) needs a value") }
    return value
  }
}
