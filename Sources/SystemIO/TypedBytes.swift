extension Array where Element == UInt8 {
  /// `withUnsafeBytes` that keeps the type of the error.
  @inline(__always)
  public func withUnsafeBytesTyped<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outcome: Swift.Result<Result, Failure> = withUnsafeBytes { buffer in
      do throws(Failure) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    return try outcome.get()
  }
}

/// `withUnsafeTemporaryAllocation` that keeps the type of the error. The bytes are not initialized.
@inline(__always)
public func withUnsafeTemporaryAllocationTyped<Result, Failure: Error>(
  byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  let outcome: Swift.Result<Result, Failure> = withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 16) {
    buffer in
    do throws(Failure) { return .success(try body(buffer)) } catch { return .failure(error) }
  }
  return try outcome.get()
}
