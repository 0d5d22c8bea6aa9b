import PosixCalls

/// One thing that somebody does to a file system, with all that it needs: any part of a sequence can be run again, by
/// itself and on another file system.
struct Step: Hashable, Sendable, CustomStringConvertible {
  var user: User
  var action: Action

  var description: String {
    let modules = ["DifferentialTests.", "PosixCalls."]
    return modules.reduce("\(user): \(action)") { $0.replacing($1, with: "") }
  }
}

/// Who takes a step.
enum User: UInt32, CaseIterable, Sendable {
  case root = 0
  case alice = 61001
  case bob = 61002
  case carol = 61003

  var id: UInt32 { rawValue }

  /// Carol's own group is one that alice and bob are in as well.
  var group: UInt32 {
    switch self {
    case .root: 0
    case .alice: 61001
    case .bob: 61002
    case .carol: 61010
    }
  }

  var supplementaryGroups: [UInt32] {
    switch self {
    case .root, .carol: []
    case .alice: [61010, 61011]
    case .bob: [61010]
    }
  }

  static let anyGroup: [UInt32] = [0, 61001, 61002, 61010, 61011]
}

/// One of the places that open files are kept in over several steps.
typealias Slot = Int

/// What a call is about: calls come as one that follows a symbolic link at the end, one that does not, and one that takes
/// an open file.
enum Place: Hashable, Sendable, CustomDebugStringConvertible {
  case path(Path)
  case link(Path)
  case handle(Slot)

  var debugDescription: String {
    switch self {
    case .path(let path): "\(path.debugDescription)"
    case .link(let path): "\(path.debugDescription) itself"
    case .handle(let slot): "handle \(slot)"
    }
  }
}

enum Action: Hashable, Sendable {
  case names(NameAction)
  case handle(HandleAction)
  case content(Slot, ContentAction)
  case mapping(Slot, MappingAction)
  case attributes(Place, AttributeAction)
  case extendedAttribute(Place, ExtendedAttributeAction)
  case directory(DirectoryAction)
  case whole(WholeAction)
}

/// Steps on names.
enum NameAction: Hashable, Sendable {
  case makeDirectory(Path, Mode)
  /// The mode tells the type.
  case makeNode(Path, Mode, device: UInt64)
  case makeSymbolicLink(Path, to: Path)
  case link(Path, to: Path, follows: Bool)
  case unlink(Path)
  case removeDirectory(Path)
  case rename(Path, Path, RenameFlags)
}

/// Steps that begin and end the use of a file.
enum HandleAction: Hashable, Sendable {
  /// Closes what the slot holds before.
  case open(Slot, Path, OpenFlags, Mode)
  case close(Slot)
  /// linkat(2) of an open file.
  case link(Slot, Path)
  case reopen(Slot, from: Slot, OpenFlags)
  /// open_by_handle_at(2) of what name_to_handle_at(2) says of a path.
  case openByHandle(Slot, Path, OpenFlags)
}

/// Steps on the content of an open file.
enum ContentAction: Hashable, Sendable {
  /// At the handle's own offset.
  case read(Int)
  case write(Content)
  case readAt(Int, Int)
  case writeAt(Int, Content)
  case writeVector(Int, [Content])
  /// pwritev2(2) with RWF_APPEND.
  case append(Content)
  case seek(Int, SeekOrigin)
  case allocate(AllocationMode, Int, Int)
  case copyRange(from: Int, to: Slot, at: Int, count: Int)
  /// Of the whole file.
  case synchronize(SynchronizationScope)
  /// Of ranges of whole pages that do not overlap, all at once.
  case together([Transfer])
}

/// A read or write that others are under way beside.
struct Transfer: Hashable, Sendable {
  enum Way: Hashable, Sendable, CaseIterable {
    /// Past the page cache, by io_submit(2).
    case submittedRead, submittedWrite
    case read, write
    /// Through a mapping; they reach no further than the file did before.
    case load, store
  }

  var way: Way
  var page: Int
  /// As many bytes as whole pages have.
  var content: Content
}

/// Steps on the shared mapping that belongs to an open file; there is one at most.
enum MappingAction: Hashable, Sendable {
  case map(firstPage: Int, pages: Int, writable: Bool)
  case unmap
  /// At offsets of the file; left out where they are not both mapped and in the file.
  case store(Int, Content)
  case load(Int, Int)
  case synchronize
}

/// Steps on what stat(2) tells.
enum AttributeAction: Hashable, Sendable {
  case status
  case changeMode(Mode)
  case changeOwner(user: UInt32?, group: UInt32?)
  case setTimes(accessed: NewTime, modified: NewTime)
  case truncate(Int)
  /// access(2), with the bits of R_OK, W_OK, X_OK.
  case access(Int32)
  case readLink
}

enum ExtendedAttributeAction: Hashable, Sendable {
  case get(String, room: Int?)
  case set(String, Content, AttributeCondition)
  case remove(String)
  case list
  case setList(AccessControlList.Role, AccessControlList)
}

enum DirectoryAction: Hashable, Sendable {
  case list(Path)
  /// Reads `count` entries or so, takes the steps, then reads the rest.
  case listWhileChanging(Path, count: Int, [NameAction])
  /// Files of these numbers.
  case makeMany(Path, Range<Int>)
  case removeMany(Path, Range<Int>)
  /// Several writers append records at once.
  case appendTogether(Path, writers: Int, records: Int)
}

/// Steps that concern all of the file system, or nobody's files.
enum WholeAction: Hashable, Sendable {
  case setMask(Mode)
  case statistics
  case synchronize
  /// Compares the trees.
  case compare
  /// Compares a fork that is taken now with the reference as it is now.
  case compareFork
  /// Both close all files first.
  case remount
  case restart
}
