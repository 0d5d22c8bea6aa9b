import Glibc

/// A directory of the host that goes, with all that is in it, when the test is over.
public final class TemporaryDirectory: Sendable {
  public let path: String

  /// - Parameter memory: make it where no disk is needed, as far as there is such a place.
  public init(inMemory memory: Bool = false) {
    let parent = memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/tine-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "no temporary directory can be made")
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { _ = shell("rm -rf '\(path)'") }

  public func appending(_ name: String) -> String { path + "/" + name }
}

/// Runs a command line, and returns its exit code and what it printed to both outputs.
@discardableResult
public func shell(_ command: String) -> (code: Int32, output: String) {
  guard let pipe = popen("exec 2>&1; " + command, "r") else { return (-1, "popen failed") }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    if count == 0 { break }
    bytes.append(contentsOf: buffer[..<count])
  }
  let status = pclose(pipe)
  return ((status >> 8) & 0xff, String(decoding: bytes, as: UTF8.self))
}
