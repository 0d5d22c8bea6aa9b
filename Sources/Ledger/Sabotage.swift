/// Mistakes that the simulator of crashes must find: switches for tests, which prove that it looks. Never set outside them.
package enum Sabotage: CaseIterable, Sendable {
  /// A checkpoint publishes its manifest before its nodes are written.
  case publishesManifestEarly
  /// A collection forgets what one fork or snapshot refers to, and frees it.
  case freesTooSoon
  /// A flush leaves out all segments but the newest: records that are durable refer to blocks, as duplicates, that are not.
  case flushesNewestSegmentOnly
  /// Blocks are not compared with their digests.
  case trustsBlocks
}
