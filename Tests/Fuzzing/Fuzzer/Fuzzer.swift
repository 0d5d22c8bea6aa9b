import Glibc

/// The decoder that this process fuzzes, by its name in the environment.
private let decoder: Decoder = {
  guard let name = getenv("TINE_FUZZED").map({ String(cString: $0) }), let decoder = Decoder(rawValue: name) else {
    preconditionFailure("TINE_FUZZED names no decoder: start it with Tests/Fuzzing/run")
  }
  return decoder
}()

/// Whether to say what became of the input, which then is a single file.
private let tells = getenv("TINE_FUZZING_TELLS") != nil

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let accepted = decoder.accepts(Array(UnsafeBufferPointer(start: start, count: count)))
  if tells, count > 0 { print(accepted ? "accepted" : "rejected") }
  return 0
}
