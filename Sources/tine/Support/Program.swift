import CLinux
import Control
import Glibc
import Processes
import SystemIO

/// The program that a command names.
///
/// A relative path with a slash means the file that it names where `tine` was called, not one in the fork. Where the fork is shown over that
/// file, it is opened before and run through this process's descriptor, so this must live until the command has ended.
final class Program: Sendable {
  /// What the command is to run: a name that is looked for in PATH, or a path that means the same in the fork.
  let path: [UInt8]
  private let descriptor: Int32?

  /// - Parameter shownAt: where the command sees the fork, unless that is a directory of its own.
  init(_ name: [UInt8], shownAt: BytePath?) throws(SpawnError) {
    guard Self.meansFileOfCaller(name) else {
      path = name
      descriptor = nil
      return
    }
    guard let directory = Caller.directory else { throw SpawnError(step: .program, errno: .noSuchFile) }
    let absolute =
      directory + [UInt8(ascii: "/")] + (name.starts(with: Array("./".utf8)) ? name.dropFirst(2) : name[...])
    guard let shownAt, Self.isHidden(absolute, by: shownAt.bytes) else {
      path = absolute
      descriptor = nil
      return
    }
    do throws(Errno) {
      let file = try retryingInterrupts { linux_open_path(AT_FDCWD, absolute.cString) }
      descriptor = file
      path = Array("/proc/\(getpid())/fd/\(file)".utf8)
    } catch {
      throw SpawnError(step: .program, errno: error)
    }
  }

  /// The same, where an error is a failure of Tine.
  convenience init(starting name: [UInt8], shownAt: BytePath?) throws(Failure) {
    do throws(SpawnError) { try self.init(name, shownAt: shownAt) } catch { throw Failure(error, starting: name) }
  }

  deinit { if let descriptor { close(descriptor) } }

  static func meansFileOfCaller(_ name: [UInt8]) -> Bool {
    name.first != UInt8(ascii: "/") && name.contains(UInt8(ascii: "/"))
  }

  /// Why the program cannot be run; nil where it can be.
  var obstacle: Errno? { access(path.cString, X_OK) == 0 ? nil : .last }

  /// Whether a file is below a directory, or would be if it were there.
  static func isHidden(_ file: [UInt8], by directory: [UInt8]) -> Bool {
    guard let place = resolved(directory) else { return false }
    let end = file.lastIndex(of: UInt8(ascii: "/")) ?? 0
    let parent = end == 0 ? [UInt8(ascii: "/")] : Array(file[..<end])
    let candidates = [resolved(file), resolved(parent).map { $0 + [UInt8(ascii: "/")] }]
    let inside = place == [UInt8(ascii: "/")] ? place : place + [UInt8(ascii: "/")]
    return candidates.contains { $0?.starts(with: inside) == true }
  }

  private static func resolved(_ path: [UInt8]) -> [UInt8]? {
    guard let resolved = realpath(path.cString, nil) else { return nil }
    defer { free(resolved) }
    return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
  }
}
