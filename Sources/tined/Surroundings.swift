import CLinux
import Control
import Glibc
import SystemIO

/// What a daemon must not inherit: it outlives the process that happened to start it, and serves others.
///
/// | of the starter | of the daemon |
/// |---|---|
/// | open files | none, but for standard input, output and error, and the descriptor that `--readiness` names |
/// | limits of files, memory, processor time and processes | as high as it may have them; where that is not enough to serve, it says so and ends |
/// | limit of core files | none are written: a worker that dies must be followed at once, and a core would hold the data of others |
/// | limit of the stack | that of Linux, 8 MiB |
/// | ignored and blocked signals | none |
/// | umask | 077 |
/// | signals at its parent's end, timer slack, personality | those of Linux |
///
/// A person or a service manager who starts `tined` means what it gives it. Where `tine` starts it (with `--readiness`), it also leaves behind
///
/// | of the starter | of the daemon |
/// |---|---|
/// | session, terminal, working directory | a session of its own, none, `/` (by `Command.startDetached`) |
/// | environment | `PATH` alone (by the launcher) |
/// | niceness, scheduling, I/O priority, processors, memory policy, OOM score | those of a process that nobody has changed; a lower niceness needs privilege |
/// | control group | the root of its hierarchy, or one of its own (`ControlGroups`) |
struct Surroundings {
  /// What could not be left behind, in lines for people.
  private(set) var remains: [String] = []

  /// A store has more files than this, and each mount and each connection is one.
  private static let fewestOpenFiles: UInt64 = 128
  /// Segments of the index are as large as the trees that a checkpoint writes.
  private static let smallestFileSize: UInt64 = 1 << 30
  private static let smallestMemory: UInt64 = 1 << 30
  private static let stackSize: UInt64 = 8 << 20
  private static let wantedOpenFiles: UInt64 = 1 << 16

  /// Leaves them, before there is a second thread.
  ///
  /// - Parameter readiness: a descriptor to keep, where `tine` has started this process.
  init(leavingWith readiness: Int32?) throws(Failure) {
    umask(0o077)
    if linux_close_descriptors(3, readiness ?? -1) != 0 {
      remains.append("files of its starter stay open: \(Errno.last)")
    }
    linux_restore_signals()
    linux_ignore_limit_signals()
    linux_clear_process_settings()
    try raiseLimits()
    guard readiness != nil else { return }
    takeOrdinaryPriority()
    remains += ControlGroups.leave()
  }

  // MARK: Limits

  private mutating func raiseLimits() throws(Failure) {
    try refuseLimitOfTime(raise(linux_processor_time, to: linux_no_limit))
    _ = raise(linux_processes, to: linux_no_limit)
    set(linux_stack, Self.stackSize)
    set(linux_core_file, 0)
    let files = raise(linux_open_files, to: max(Self.wantedOpenFiles, Self.hardLimit(linux_open_files)))
    try require(Self.fewestOpenFiles, files, "open files", "ulimit -n")
    try require(Self.smallestFileSize, raise(linux_file_size, to: linux_no_limit), "bytes in a file", "ulimit -f")
    try require(Self.smallestMemory, raise(linux_address_space, to: linux_no_limit), "bytes of memory", "ulimit -v")
    try require(Self.smallestMemory, raise(linux_data_segment, to: linux_no_limit), "bytes of data", "ulimit -d")
  }

  /// Raises a limit as far as may be, for this process and those that it starts, and returns what it is now.
  private func raise(_ resource: linux_resource, to wanted: UInt64) -> UInt64 {
    let hard = Self.hardLimit(resource)
    // Only root may raise the hard limit.
    if linux_set_limit(resource, wanted, wanted) == 0 { return wanted }
    return linux_set_limit(resource, hard, hard) == 0 ? hard : 0
  }

  private func set(_ resource: linux_resource, _ value: UInt64) {
    let hard = Self.hardLimit(resource)
    if linux_set_limit(resource, value, max(hard, value)) != 0 { _ = linux_set_limit(resource, min(hard, value), hard) }
  }

  private static func hardLimit(_ resource: linux_resource) -> UInt64 {
    var soft: UInt64 = 0
    var hard: UInt64 = 0
    return linux_get_limit(resource, &soft, &hard) == 0 ? hard : 0
  }

  /// Whatever it is, it is used up some day, and then one worker after the other is killed.
  private func refuseLimitOfTime(_ limit: UInt64) throws(Failure) {
    if limit == linux_no_limit { return }
    throw Failure(
      .failed, "this process may have \(limit) seconds of processor time, and the daemon can have no such limit",
      hint: "raise the limit ('ulimit -t', as root where it is the hard one) of what starts it")
  }

  private func require(_ least: UInt64, _ limit: UInt64, _ what: String, _ command: String) throws(Failure) {
    guard limit < least else { return }
    throw Failure(
      .failed, "this process may have \(limit) \(what), and the daemon needs \(least) at least",
      hint: "raise the limit ('\(command)', as root where it is the hard one) of what starts it")
  }

  // MARK: Priority

  private mutating func takeOrdinaryPriority() {
    attempt("its scheduling policy") { linux_set_ordinary_scheduling() }
    attempt("its niceness") { linux_set_niceness(0) }
    attempt("its I/O priority") { linux_clear_io_priority() }
    attempt("its processors") { linux_use_all_processors() }
    attempt("its memory policy") { linux_clear_memory_policy() }
    do throws(Errno) {
      try FileDescriptor(opening: "/proc/self/oom_score_adj", flags: O_WRONLY).writeAll(Array("0".utf8))
    } catch {
      remains.append("its OOM score is its starter's: \(error)")
    }
  }

  private mutating func attempt(_ what: String, _ call: () -> Int32) {
    guard call() != 0, Errno.last != .notImplemented else { return }
    remains.append("\(what) is its starter's: \(Errno.last)")
  }
}
