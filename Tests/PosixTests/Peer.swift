import MountTestSupport
import PosixCalls
import SystemIO

/// Another process that uses the same files: a `PosixTestPeer`.
final class Peer {
  private let process: ServerProcess

  init() throws { process = try ServerProcess("PosixTestPeer", []) }

  func ask(_ command: String) throws -> String { try process.ask(command) }

  func run(_ command: String) throws { try process.expect("done", to: command) }

  /// The error that the command fails with; nil where it succeeds.
  func failure(of command: String) throws -> Errno? {
    let words = try ask(command).split(separator: " ")
    return words.first == "failed" ? Int32(words[1]).map { Errno(rawValue: $0) } : nil
  }

  /// Sends a command that waits for this process; `receive` waits for its end.
  func start(_ command: String) { process.send(command) }
  func finish() throws { try process.expect("done") }
}
