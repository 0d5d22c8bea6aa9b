/// One thing that is wrong, and what it affects.
public struct CheckProblem: Sendable {
  /// The fork or snapshot; nil where the store itself is concerned.
  public var head: String?
  /// The files and directories, as far as they are known: all names of a damaged file, or what stood below a damaged node.
  public var paths: [[UInt8]] = []
  /// The pages of the file that cannot be read.
  public var pages: ClosedRange<UInt64>?
  /// The inodes of which something stood below a damaged node.
  public var inodes: ClosedRange<InodeNumber>?
  public var message: String

  public var path: [UInt8]? { paths.first }
}

/// What a check found.
public struct CheckReport: Sendable {
  public var heads = 0
  public var nodes = 0
  public var inodes = 0
  public var blocks = 0
  public var records = 0
  public var problems: [CheckProblem] = []
}

/// How far a check has come.
public struct CheckProgress: Sendable {
  public let head: String
  public let blocks: Int
}
