public import SystemIO

// A path means something to the process that looks it up. So what does the work takes directories that are open; these are for
// the one by whom the path is meant.

extension ImportRequest {
  /// Opens the directory to import.
  public func openDirectory() throws(Failure) -> FileDescriptor {
    do throws(Errno) { return try HostPath.openDirectory(directory.bytes) } catch {
      let place = "import of \(directory.quoted)"
      guard error == .notDirectory else { throw Failure(.failed, "\(place): \(error)") }
      throw Failure(.failed, "\(place): it is not a directory", hint: "name the directory whose content to import")
    }
  }
}

/// Where an export goes.
public enum ExportTarget: ~Copyable {
  /// A directory that exists.
  case existing(FileDescriptor)
  /// A new one of this name, in the given one.
  case new(parent: FileDescriptor, name: [UInt8])

  /// Opens what the path of a request leads to, or the directory in which it is to be made.
  public init(_ request: ExportRequest) throws(Failure) {
    let path = request.directory
    do throws(Errno) {
      if let target = try Self.existing(path) {
        self = .existing(target)
      } else {
        let (parent, name) = HostPath.split(path.bytes)
        self = .new(parent: try HostPath.openDirectory(parent), name: name)
      }
    } catch {
      let place = "export to \(path.quoted)"
      guard error == .notDirectory else { throw Failure(.failed, "\(place): \(error)") }
      throw Failure(.conflict, "\(place): it is not a directory", hint: "name one that does not exist yet")
    }
  }

  private static func existing(_ path: BytePath) throws(Errno) -> FileDescriptor? {
    do throws(Errno) { return try HostPath.openDirectory(path.bytes) } catch {
      if error == .noSuchFile { return nil }
      throw error
    }
  }
}
