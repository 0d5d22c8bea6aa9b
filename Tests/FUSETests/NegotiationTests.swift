import CFUSE
import FUSE
import SystemIO
import Testing

@Suite struct NegotiationTests {
  private func negotiate(_ configuration: Configuration = .init(), offering offered: InitFlags) throws -> fuse_init_out
  {
    let (kernel, channel) = try FakeKernel.connect()
    let session = try Session(
      channel: FileDescriptor(owning: channel), configuration: configuration, operations: ScriptedOperations())
    let answer = try kernel.initialize(offering: offered)
    let agreement = try session.waitUntilServing()
    let flags = UInt64(answer.flags) | UInt64(answer.flags2) << 32
    #expect(agreement.flags.rawValue == flags)
    return answer
  }

  @Test func asksForWhatCachingNeeds() throws {
    let answer = try negotiate(offering: InitFlags(rawValue: .max))
    let flags = InitFlags(rawValue: UInt64(answer.flags) | UInt64(answer.flags2) << 32)
    let wanted: InitFlags = [
      .handlesPrivileges, .extended, .maximumPages, .explicitInvalidation, .cacheSymlinks, .noOpendir, .readdirplus,
      .readdirplusWhenUseful, .parallelDirectoryOperations, .bigWrites, .allowsMappedOwners,
    ]
    #expect(flags.isSuperset(of: wanted))
    #expect(flags.isDisjoint(with: [.writeback, .posixACL, .noMask, .atomicTruncation, .exportSupport, .resend]))
    #expect(!flags.contains(.asyncDirectIO), "the kernel would leave stale pages after asynchronous direct writes")
    // HANDLE_KILLPRIV, the first version, which libfuse likes to ask for.
    #expect(answer.flags & (1 << 19) == 0)
    #expect(answer.max_write == 1 << 20)
    #expect(answer.max_pages == 256)
    #expect(answer.max_background == 65535)
    #expect(answer.congestion_threshold == 65535)
    #expect(answer.time_gran == 1)
  }

  @Test func asksForOptions() throws {
    var configuration = Configuration()
    configuration.writesBack = true
    configuration.accessControlLists = true
    configuration.allowsResending = true
    configuration.findsInodes = true
    configuration.maximumBackground = 12
    let answer = try negotiate(configuration, offering: InitFlags(rawValue: .max))
    let flags = InitFlags(rawValue: UInt64(answer.flags) | UInt64(answer.flags2) << 32)
    #expect(flags.isSuperset(of: [.writeback, .posixACL, .noMask, .exportSupport, .resend]))
    #expect(answer.max_background == 12)
  }

  /// A kernel that does not know a flag would take its bit for something else.
  @Test(arguments: [InitFlags.handlesPrivileges, .resend, .noOpendir, .extended])
  func neverAsksForWhatIsNotOffered(_ missing: InitFlags) throws {
    var configuration = Configuration()
    configuration.allowsResending = true
    let answer = try negotiate(configuration, offering: InitFlags(rawValue: .max).subtracting(missing))
    let flags = InitFlags(rawValue: UInt64(answer.flags) | UInt64(answer.flags2) << 32)
    #expect(flags.isDisjoint(with: missing))
  }

  @Test func tellsThatAConnectionEndedBeforeItBegan() throws {
    let (kernel, channel) = try FakeKernel.connect()
    let session = try Session(channel: FileDescriptor(owning: channel), operations: ScriptedOperations())
    kernel.close()
    #expect(throws: Errno.notConnected) { try session.waitUntilServing() }
    #expect(session.waitUntilEnded() == .unmounted)
  }
}
