import Glibc
import Workloads

/// A btrfs in a file on the disk that is measured, through a loop device.
final class BtrfsVolume: Sendable {
  let path: String

  init(_ bench: Bench) throws {
    for program in ["mkfs.btrfs", "btrfs", "mount"] where !Program.exists(program) {
      throw Program.Failure("\(program) is not installed")
    }
    let image = bench.path("btrfs.image")
    path = try bench.makeDirectory("btrfs")
    try Program("truncate", "-s", "8G", image).runSuccessfully()
    try Program("mkfs.btrfs", "-q", image).runSuccessfully()
    // The loop device goes with the mount.
    try Program("mount", "-o", "loop", image, path).runSuccessfully()
    Cleanup.add { [path] in
      _ = try? Program("umount", "--lazy", path).run()
      unlink(image)
    }
  }

  func makeSubvolume(_ name: String) throws -> String {
    try Program("btrfs", "-q", "subvolume", "create", "\(path)/\(name)").runSuccessfully()
    return "\(path)/\(name)"
  }

  /// The process that forks a subvolume.
  func snapshot(_ source: String, _ name: String) -> Program {
    Program("btrfs", "-q", "subvolume", "snapshot", source, "\(path)/\(name)")
  }

  func delete(_ name: String) throws {
    try Program("btrfs", "-q", "subvolume", "delete", "\(path)/\(name)").runSuccessfully()
  }
}
