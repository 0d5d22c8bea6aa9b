import Glibc
import PosixCalls
import SystemIO

/// Another process that uses the files of a test. It takes commands, one a line, and answers each with `done`, what was
/// asked for, or `failed` and an error number.
@main
struct PosixTestPeer {
  private var files: [String: OpenFile] = [:]
  private var mappings: [String: Mapping] = [:]

  static func main() {
    // A file that grows over the limit is to be an error, not the end.
    signal(SIGXFSZ, SIG_IGN)
    var peer = PosixTestPeer()
    while let line = readLine() {
      print(peer.answer(line.split(separator: " ").map(String.init)))
      fflush(nil)
    }
  }

  private mutating func answer(_ command: [String]) -> String {
    do throws(Errno) {
      return try run(command[0], Array(command.dropFirst())) ?? "done"
    } catch {
      return "failed \(error.rawValue)"
    }
  }

  private mutating func run(_ command: String, _ arguments: [String]) throws(Errno) -> String? {
    let path = arguments[0]
    let numbers = arguments.dropFirst().compactMap { Int($0) }
    switch command {
    case "limit": try limit(to: Int(path) ?? 0)
    case "close": files[path] = nil
    case "lock": try file(path).lock(try kind(arguments[1]), at: numbers[0], count: numbers[1], for: .process)
    case "flock": try file(path).lockWhole(try kind(arguments[1]))
    case "write": return "\(try file(path).write([UInt8](repeating: 1, count: numbers[1]), at: numbers[0]))"
    case "truncate": try file(path).truncate(to: numbers[0])
    case "allocate": try file(path).allocate(at: numbers[0], count: numbers[1])
    case "append": try append(path, arguments[1], count: numbers.last ?? 0)
    case "map": mappings[path] = try Mapping(try file(path), count: numbers[0])
    case "store": mappings[path]?[numbers[0]] = UInt8(truncatingIfNeeded: numbers[1])
    case "load": return mappings[path].map { "\($0[numbers[0]])" } ?? "no mapping"
    case "pipe": try Path(path).open(O_WRONLY).write(Array(arguments[1].utf8))
    default: throw .invalidArgument
    }
    return nil
  }

  private mutating func file(_ path: String) throws(Errno) -> OpenFile {
    if let file = files[path] { return file }
    let file = try Path(path).create()
    files[path] = file
    return file
  }

  private func kind(_ name: String) throws(Errno) -> LockKind {
    switch name {
    case "shared": .shared
    case "exclusive": .exclusive
    case "none": .none
    default: throw .invalidArgument
    }
  }

  private func append(_ path: String, _ line: String, count: Int) throws(Errno) {
    let file = try Path(path).create(O_APPEND)
    for _ in 0..<count { try file.write(Array((line + "\n").utf8)) }
  }

  /// No file may grow beyond this many bytes.
  private func limit(to bytes: Int) throws(Errno) {
    var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: .max)
    try retryingInterrupts { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) }
  }
}
