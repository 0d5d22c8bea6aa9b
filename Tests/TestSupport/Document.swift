import Glibc

/// A document of the project whose commands are run by a test, so that they stay right.
public struct Document {
  private let lines: [Substring]

  /// - Parameter path: from the project's directory on.
  public init(_ path: String) {
    let project = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let read = shell("cat '/\(project)/\(path)'")
    precondition(read.code == 0, "there is no \(path)")
    lines = read.output.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The blocks of shell commands below a heading, up to the next one.
  public func commands(below heading: String) -> [String] {
    guard let start = lines.firstIndex(where: { $0.hasPrefix("#") && $0.drop { $0 == "#" || $0 == " " } == heading })
    else { return [] }
    var blocks: [String] = []
    var block: [Substring]?
    for line in lines[(start + 1)...] {
      if line == "```sh" {
        block = []
      } else if line == "```" {
        if let block { blocks.append(block.joined(separator: "\n")) }
        block = nil
      } else if block != nil {
        block?.append(line)
      } else if line.hasPrefix("#") {
        break
      }
    }
    return blocks
  }
}
