import ArgumentParser
import Control
import Glibc
import SystemIO

/// The command line as bytes.
///
/// Paths need not be UTF-8, but arguments are parsed as text, and turning bytes into text would lose those that are
/// not UTF-8. So each such byte travels as one character of the last private-use plane, and `bytes(of:)` turns it back.
enum Arguments {
  /// The arguments of this process, without the program's name.
  static var current: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map { text(of: Array(UnsafeRawBufferPointer(start: $0, count: strlen($0)))) }
    }
  }

  /// The text that stands for some bytes.
  static func text(of bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isEscape) {
      return text
    }
    var text = ""
    for byte in bytes {
      text.unicodeScalars.append(byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(escapes + UInt32(byte)) ?? "?")
    }
    return text
  }

  /// The bytes that some text stands for.
  static func bytes(of text: String) -> [UInt8] {
    text.unicodeScalars.flatMap { scalar in
      isEscape(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  private static let escapes: UInt32 = 0x10FF00

  private static func isEscape(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= escapes + 0x80 }
}

/// A path of the host, made absolute.
struct PathArgument: ExpressibleByArgument {
  let path: BytePath

  init?(argument: String) {
    let bytes = Arguments.bytes(of: argument)
    if bytes.isEmpty { return nil }
    path = BytePath(bytes).absolute
  }

  static var defaultCompletionKind: CompletionKind { .directory }
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
