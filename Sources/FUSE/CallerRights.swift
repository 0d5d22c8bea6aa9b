import Glibc
import SystemIO

/// Who the caller is as far as the kernel does not say: where mounts can be mapped to other owners, only requests that make
/// an object tell the user. /proc is looked at, so it is for the rare case.
public struct CallerRights: Sendable {
  public let user: UInt32
  /// With the supplementary ones.
  public let groups: Set<UInt32>
  private let capabilities: UInt64

  /// CAP_FOWNER, capabilities(7): does what the owner of a file may.
  public var actsAsAnyOwner: Bool { capabilities & 1 << 3 != 0 }
  /// CAP_FSETID: set-user-ID and set-group-ID bits stay.
  public var keepsSetIDBits: Bool { capabilities & 1 << 4 != 0 }
  /// CAP_SYS_ADMIN.
  public var isAdministrator: Bool { capabilities & 1 << 21 != 0 }

  /// Nil where it cannot be found out.
  public init?(of caller: Caller) {
    guard let file = try? FileDescriptor(opening: "/proc/\(caller.process)/status", flags: O_RDONLY) else { return nil }
    let text = String(unsafeUninitializedCapacity: 8192) { max(0, read(file.rawValue, $0.baseAddress, $0.count)) }
    func field(_ name: String) -> [Substring] {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
      return line?.dropFirst(name.count + 1).split { $0 == "\t" || $0 == " " } ?? []
    }
    let (users, groups) = (field("Uid"), field("Gid"))
    // The last of four is the one that counts for files.
    guard users.count == 4, let user = UInt32(users[3]), groups.count == 4,
      let capabilities = field("CapEff").first.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    self.user = user
    self.groups = Set(([groups[3]] + field("Groups")).compactMap { UInt32($0) })
    self.capabilities = capabilities
  }
}
