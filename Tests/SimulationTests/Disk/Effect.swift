import SystemIO

/// One thing that a store did to its disk, in the order in which it did them. Files are numbered in the order of their creation: a
/// file keeps its number when it gets another name.
enum Effect {
  case makeDirectory(String)
  case create(Int, path: String)
  case write(Int, offset: Int, [UInt8])
  /// An allocation, or a truncation that extends the file with zeros.
  case resize(Int, to: Int)
  case shrink(Int, to: Int)
  case punch(Int, Range<Int>)
  case rename(from: String, to: String)
  case remove(String)
  case synchronize(Int)
  case synchronizeDirectory(String)
}
