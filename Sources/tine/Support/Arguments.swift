import ArgumentParser
import Control
import Glibc
import SystemIO

/// The command line. Paths need not be UTF-8, but arguments are parsed as text, which carries their bytes.
enum Arguments {
  /// The arguments of this process, without the program's name.
  static var current: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map {
        String(carrying: Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))))
      }
    }
  }
}

/// A path of the host, made absolute.
struct PathArgument: ExpressibleByArgument {
  let path: BytePath

  init?(argument: String) {
    let bytes = argument.carriedBytes
    if bytes.isEmpty { return nil }
    path = BytePath(bytes).absolute
  }

  static var defaultCompletionKind: CompletionKind { .directory }
}

extension [UInt8] {
  /// The bytes as C functions take them.
  var cString: [CChar] { map { CChar(bitPattern: $0) } + [0] }
}

extension BytePath {
  /// The absolute path without symbolic links, `.` and `..` of what this one leads to, as the kernel calls it; `absolute` if there is
  /// nothing. A dead mount is not asked for anything.
  var resolved: BytePath {
    guard let text = String(validating: bytes, as: UTF8.self) else { return absolute }
    do throws(Errno) {
      let file = try FileDescriptor(naming: text)
      var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
      let count = try retryingInterrupts { readlink("/proc/self/fd/\(file.rawValue)", &path, path.count) }
      return BytePath(Array(path[..<count]))
    } catch {
      return absolute
    }
  }

  /// The same path from the root on, without a slash at its end.
  var absolute: BytePath {
    var whole = bytes
    if bytes.first != UInt8(ascii: "/"), let directory = getcwd(nil, 0) {
      defer { free(directory) }
      whole = Array(UnsafeRawBufferPointer(start: directory, count: strlen(directory))) + [UInt8(ascii: "/")] + bytes
    }
    while whole.count > 1 && whole.last == UInt8(ascii: "/") { whole.removeLast() }
    return BytePath(whole)
  }
}
