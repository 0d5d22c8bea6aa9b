import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// What a program says of itself, so that a daemon can tell that it may take its place.
struct Handshake: Codable {
  let program: String
  let version: String
  let api: Int
  /// How a worker takes over from another: what the supervisor keeps, and in which form.
  let takeover: Int

  static let current = Handshake(
    program: "tined", version: VersionReport.current.version, api: VersionReport.current.api, takeover: 1)

  /// How long a program may take to answer.
  private static let patience = Duration.seconds(10)
  private static let longestAnswer = 4096
  private static let unchanged = "nothing was changed: the daemon goes on as it was"

  /// Makes sure that a program can take this one's place, by having it say so.
  static func verify(_ program: String, store: String) throws(Failure) {
    var status = stat()
    guard program.hasPrefix("/"), stat(program, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.failed, "\(program) is no program", hint: unchanged)
    }
    guard let answer = try? ask(program, store) else {
      throw Failure(.failed, "\(program) does not run here", hint: unchanged)
    }
    let said = try? JSON.decode(Handshake.self, from: Data(answer))
    guard let said, said.program == current.program else {
      throw Failure(.failed, "\(program) is no tined, or too old a one", hint: unchanged)
    }
    guard said.api >= current.api, said.takeover == current.takeover else {
      throw Failure(
        .notSupported, "tined \(said.version) cannot take over from tined \(current.version)",
        hint: "\(unchanged). 'tine stop', and mount again with the other one")
    }
  }

  private static func ask(_ program: String, _ store: String) throws -> [UInt8] {
    let pipe = try Pipe()
    let silence = try FileDescriptor(opening: "/dev/null", flags: O_RDWR)
    var command = Command([program, "--handshake", "--store", store], environment: Environment.current)
    command.input = silence.rawValue
    command.output = pipe.writer.rawValue
    command.error = silence.rawValue
    command.group = .own
    let child = try command.start()
    let deadline = ContinuousClock.now.advanced(by: patience)
    let answer = read(pipe.closeWriter(), until: deadline)
    let ending = child.wait(atMost: deadline.milliseconds) ?? child.end()
    // What it has started may not stay.
    child.signal(SIGKILL)
    guard ending == .exited(0), let answer else { throw Errno.invalidArgument }
    return answer
  }

  /// All that comes; nil where that is too much or takes too long.
  private static func read(_ pipe: consuming FileDescriptor, until deadline: ContinuousClock.Instant) -> [UInt8]? {
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: longestAnswer)
    while answer.count < longestAnswer {
      var event = pollfd(fd: pipe.rawValue, events: Int16(POLLIN), revents: 0)
      guard poll(&event, 1, deadline.milliseconds) > 0 else { return nil }
      let count = Glibc.read(pipe.rawValue, &piece, piece.count)
      guard count > 0 else { return count == 0 ? answer : nil }
      answer += piece[..<count]
    }
    return nil
  }
}

extension ContinuousClock.Instant {
  /// From now until then, for poll(2); 0 where it has passed.
  fileprivate var milliseconds: Int32 {
    let left = ContinuousClock.now.duration(to: self) / .milliseconds(1)
    return Int32(max(0, min(left, 1e9)))
  }
}
