import Glibc

/// A small file with a fixed name, such as a record of something or a list, that is replaced as a whole.
///
/// After any crash its content is that of before or that of after. Whatever has taken its place, be it a directory, a FIFO or a symbolic link, is
/// neither followed nor waited for, and gives way where the file is written.
public struct SmallFile: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// Its bytes; nil where there is none.
  ///
  /// - Throws: `invalidArgument` where it is no regular file, `fileTooLarge` where it has more than `limit` bytes.
  public func read(limit: Int = 16 << 20) throws(Errno) -> [UInt8]? {
    do throws(Errno) {
      let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
      guard try file.isRegularFile() else { throw .invalidArgument }
      return try file.readAll(limit: limit)
    } catch {
      if error == .noSuchFile { return nil }
      throw error
    }
  }

  /// Replaces its content: written under another name, flushed, renamed, and the name flushed.
  ///
  /// - Parameter durably: without it nothing is flushed; after a power cut the file may be that of before, or empty.
  public func replace(with bytes: [UInt8], durably: Bool = true) throws(Errno) {
    let other = SmallFile(path + ".new")
    try other.remove()
    do throws(Errno) {
      let file = try FileDescriptor(opening: other.path, flags: O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600)
      try file.writeAll(bytes)
      if durably { try retryingInterrupts { fsync(file.rawValue) } }
      if try isDirectory() { try remove() }
      try retryingInterrupts { rename(other.path, path) }
    } catch {
      unlink(other.path)
      throw error
    }
    if durably { try flushName() }
  }

  /// Removes it; that is done, too, where there is none. What has taken its place goes as well, but for a directory with content, which is renamed
  /// to `NAME.aside-NUMBER`.
  public func remove() throws(Errno) {
    do throws(Errno) { try retryingInterrupts { unlink(path) } } catch {
      if error == .noSuchFile { return }
      guard try isDirectory() else { throw error }
      if rmdir(path) != 0 { try putAside() }
    }
  }

  private func putAside() throws(Errno) {
    for number in 1...1000 {
      let place = "\(path).aside-\(number)"
      var status = stat()
      if lstat(place, &status) == 0 { continue }
      try retryingInterrupts { rename(path, place) }
      return
    }
    throw .exists
  }

  private func isDirectory() throws(Errno) -> Bool {
    var status = stat()
    do throws(Errno) { try retryingInterrupts { lstat(path, &status) } } catch {
      if error == .noSuchFile { return false }
      throw error
    }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  private func flushName() throws(Errno) {
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = try FileDescriptor(opening: parent, flags: O_RDONLY | O_DIRECTORY)
    try retryingInterrupts { fsync(directory.rawValue) }
  }
}

extension FileDescriptor {
  /// Whether it is a regular file, and no directory, device, FIFO or socket.
  public borrowing func isRegularFile() throws(Errno) -> Bool {
    var status = stat()
    try retryingInterrupts { fstat(rawValue, &status) }
    return status.st_mode & S_IFMT == S_IFREG
  }
}
