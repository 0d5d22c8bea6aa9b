import Control
import FoundationEssentials
import Glibc
import Processes
import SystemIO

/// Starts the daemon of a store where none runs.
struct DaemonLauncher {
  private let store: String
  private let interruptions: Interruptions?

  /// How long people are left waiting without a word, in seconds.
  private static let patience = 10

  /// The engine of the store's daemon, started where needed.
  static func engine(for store: String, interruptions: Interruptions? = nil) throws(Failure) -> RemoteEngine {
    let interruption = interruptions?.descriptor
    if let engine = try RemoteEngine(store: store, interruption: interruption, onSilence: Console.note) {
      return engine
    }
    try DaemonLauncher(store: store, interruptions: interruptions).start()
    if let engine = try RemoteEngine(store: store, interruption: interruption, onSilence: Console.note) {
      return engine
    }
    throw Failure(
      .unreachable, "the daemon ended as soon as it had started", hint: "see \(log(of: store).quoted)")
  }

  /// Where the log of a store's daemon is, for people.
  static func log(of store: String) -> String {
    guard DirectoryStorage.isReadOnly(at: store), let runtime = try? RuntimeDirectory(of: store) else {
      return store + "/daemon.log"
    }
    return runtime.path + "/daemon.log"
  }

  /// Starts the daemon and waits until it serves, or says why it cannot.
  private func start() throws(Failure) {
    let turn = try takeTurn()
    if try Owner.daemon(of: store) == nil { try check(try answer(of: try launch())) }
    _ = consume turn
  }

  /// Two commands may want a daemon at once: the second waits here, and finds that of the first.
  private func takeTurn() throws(Failure) -> FileDescriptor {
    let turn = try openStore()
    let descriptor = turn.rawValue
    try wait(for: "another command that starts the daemon") { () throws(Failure) in
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
      guard Errno.last == .wouldBlock else { throw Failure(.failed, "cannot lock \(store): \(Errno.last)") }
      usleep(20_000)
      return false
    }
    return turn
  }

  private func openStore() throws(Failure) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor(opening: store, flags: O_RDONLY | O_DIRECTORY) } catch {
      if error == .noSuchFile {
        throw Failure(.notAStore, "there is no store at \(store.quoted)", hint: "'tine init' makes one")
      }
      throw Failure(.failed, "cannot open \(store.quoted): \(error)")
    }
  }

  private func runtimeDirectory() throws(Failure) -> FileDescriptor {
    let runtime: RuntimeDirectory
    do throws(Errno) { runtime = try RuntimeDirectory(of: store) } catch {
      throw Failure(.failed, "cannot open \(store.quoted): \(error)")
    }
    return try runtime.make()
  }

  /// Asks until it is so, and says after a while what is waited for. Ctrl-C ends that.
  private func wait(for what: String, _ isSo: () throws(Failure) -> Bool) throws(Failure) {
    let began = ContinuousClock.now
    var wasTold = false
    while try !isSo() {
      try interruptions?.check()
      if !wasTold, began.duration(to: .now) >= .seconds(Self.patience) {
        wasTold = true
        Console.note("waiting for \(what) since \(Self.patience) s")
      }
    }
  }

  /// Starts the daemon, and returns the end of a pipe on which it tells that it serves.
  private func launch() throws(Failure) -> FileDescriptor {
    let program = try Self.program()
    let isReadOnly = DirectoryStorage.isReadOnly(at: store)
    let directory = try isReadOnly ? runtimeDirectory() : openStore()
    do throws(Errno) {
      let readiness = try Pipe()
      let silence = try FileDescriptor(opening: "/dev/null", flags: O_RDWR)
      let log = try openLog(in: directory)
      var command = Command(
        [program, "--store", store] + (isReadOnly ? ["--read-only"] : []) + ["--linger", "10", "--readiness", "3"],
        environment: Environment.only("PATH"))
      command.directory = Array("/".utf8)
      command.input = silence.rawValue
      command.output = log.rawValue
      command.error = log.rawValue
      command.extra = readiness.writer.rawValue
      do throws(SpawnError) { try command.startDetached() } catch { throw error.errno }
      return readiness.closeWriter()
    } catch {
      throw Failure(.failed, "cannot start \(program.quoted): \(error)")
    }
  }

  /// The daemon's log. Where it cannot be written to, messages are lost; that keeps nobody from using the store.
  private func openLog(in directory: borrowing FileDescriptor) throws(Errno) -> FileDescriptor {
    do throws(Errno) {
      return try FileDescriptor(log: "/proc/self/fd/\(directory.rawValue)/daemon.log")
    } catch {
      Console.note("the daemon runs without a log: \(Self.log(of: store)) cannot be written to (\(error))")
      return try FileDescriptor(opening: "/dev/null", flags: O_WRONLY)
    }
  }

  private func answer(of readiness: borrowing FileDescriptor) throws(Failure) -> [UInt8] {
    let descriptor = readiness.rawValue
    try wait(for: "the daemon to read the store (see \(Self.log(of: store)))") { () throws(Failure) in
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return poll(&event, 1, 100) > 0
    }
    do throws(Errno) { return try readiness.readAll() } catch {
      throw Failure(.failed, "cannot hear the daemon: \(error)")
    }
  }

  /// The daemon says `{}` when it serves, an error when it cannot, and nothing when it crashed.
  private func check(_ readiness: [UInt8]) throws(Failure) {
    if readiness.isEmpty {
      throw Failure(.unreachable, "the daemon ended before it served", hint: "see \(Self.log(of: store).quoted)")
    }
    if readiness != Array("{}".utf8) { throw try JSON.decode(ErrorBody.self, from: Data(readiness)).error }
  }

  /// The daemon's program: beside this one, or in the libexec directory that belongs to it.
  static func program() throws(Failure) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
    let directory = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
    let candidates = ["\(directory)/tined", "\(directory)/../libexec/tine/tined", "\(directory)/../libexec/tined"]
    for candidate in candidates where access(candidate, X_OK) == 0 {
      guard let resolved = realpath(candidate, nil) else { continue }
      defer { free(resolved) }
      return String(cString: resolved)
    }
    throw Failure(
      .failed, "the program tined is neither in \(String(directory).quoted) nor in its libexec",
      hint: "install tine and tined together")
  }
}
