import CLinux
import Glibc
public import SystemIO

/// A program to run, and the surroundings it is to run in.
public struct Command: Sendable {
  /// The program, looked for in PATH where it has no slash, and its arguments.
  public var arguments: [[UInt8]]
  /// `NAME=value` each.
  public var environment: [[UInt8]]
  public var directory: [UInt8]?
  /// Shows one directory at the place of another, for this process and its children alone.
  public var view: View?
  /// Descriptors that become its standard input, output and error; nil passes on this process's.
  public var input: Int32?
  public var output: Int32?
  public var error: Int32?
  /// A descriptor that the process finds as number 3.
  public var extra: Int32?
  public var group = ProcessGroup.inherited
  /// The user it runs as; nil for this process's.
  public var user: User?

  /// The process group that it belongs to. A terminal sends its signals to a group.
  public enum ProcessGroup: Hashable, Sendable {
    /// That of this process.
    case inherited
    /// One that it leads, so that it and its children can be sent signals together.
    case own
    /// An existing one of the same session; if that is gone, the inherited one.
    case existing(Int32)
  }

  /// Whether the kernel kills it when the thread that started it ends.
  public var endsWithParent = false

  /// A directory that is shown at another place.
  public struct View: Hashable, Sendable {
    public let source: [UInt8]
    public let target: [UInt8]
    /// The directory below which no mount of Tine shows to the process.
    public let hidden: [UInt8]?

    public init(source: [UInt8], target: [UInt8], hidden: [UInt8]? = nil) {
      self.source = source
      self.target = target
      self.hidden = hidden
    }
  }

  public init(_ arguments: [[UInt8]], environment: [[UInt8]]) {
    precondition(!arguments.isEmpty, "a command names its program")
    self.arguments = arguments
    self.environment = environment
  }

  public init(_ arguments: [String], environment: [[UInt8]]) {
    self.init(arguments.map { Array($0.utf8) }, environment: environment)
  }

  /// Starts it as a child of this process.
  public func start() throws(SpawnError) -> Child {
    Child(process: try spawn(detached: false), ownGroup: group == .own)
  }

  /// Starts it as a daemon: in a session of its own, not as a child of this process, and with no descriptor that is not named here.
  public func startDetached() throws(SpawnError) { _ = try spawn(detached: true) }

  private func spawn(detached: Bool) throws(SpawnError) -> pid_t {
    let arguments = CStrings(arguments)
    let environment = CStrings(environment)
    let paths = CStrings([directory, view?.source, view?.target, view?.hidden].map { $0 ?? [] })
    var request = linux_spawn_request()
    request.program = UnsafePointer(arguments.pointers[0])
    request.arguments = UnsafePointer(arguments.pointers)
    request.environment = UnsafePointer(environment.pointers)
    if directory != nil { request.directory = UnsafePointer(paths.pointers[0]) }
    if view != nil {
      request.bind_source = UnsafePointer(paths.pointers[1])
      request.bind_target = UnsafePointer(paths.pointers[2])
      if view?.hidden != nil { request.hidden = UnsafePointer(paths.pointers[3]) }
    }
    request.descriptors = (input ?? -1, output ?? -1, error ?? -1, extra ?? -1)
    request.group =
      switch group {
      case .inherited: -1
      case .own: 0
      case .existing(let number): number
      }
    request.detached = detached
    request.ends_with_parent = endsWithParent
    if let user {
      request.switches_user = true
      request.user = user.number
      request.user_group = user.group
    }
    var step: Int32 = 0
    let process = withExtendedLifetime((arguments, environment, paths)) { linux_spawn(&request, &step) }
    if process == -1 {
      throw SpawnError(step: SpawnError.Step(rawValue: step) ?? .fork, errno: .last)
    }
    return process
  }
}

/// Why a command did not start.
public struct SpawnError: Error, Sendable {
  public enum Step: Int32, Sendable {
    case fork = 1
    case namespace, bind, user, directory, program
  }

  public let step: Step
  public let errno: Errno

  public init(step: Step, errno: Errno) {
    self.step = step
    self.errno = errno
  }
}

/// C strings, ended by NULL, that live as long as this.
private final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [[UInt8]]) {
    count = strings.count
    pointers = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() {
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
      for (offset, byte) in string.enumerated() { copy[offset] = CChar(bitPattern: byte) }
      copy[string.count] = 0
      pointers[index] = copy
    }
    pointers[count] = nil
  }

  deinit {
    for index in 0..<count { pointers[index]?.deallocate() }
    pointers.deallocate()
  }
}
