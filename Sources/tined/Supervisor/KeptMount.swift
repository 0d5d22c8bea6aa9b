import Control
import FUSE
import FoundationEssentials
import Mount

/// What a worker has its supervisor keep of a mount, beside the channel.
struct KeptMount: Codable {
  let mount: Control.Mount
  let request: MountRequest
  /// Whether the directory at which it was mounted was made for it, and which others were. Older workers know the first alone.
  private var madeDirectory: Bool
  private var madeBesides: [String]?
  /// It is off its directory, and whoever still uses it goes on.
  var isLeaving = false
  let device: UInt64
  let flags: UInt64
  let maximumBackground: Int
  let negotiation: [UInt8]

  init(_ mount: Control.Mount, _ request: MountRequest, _ handover: MountedFork.Handover) {
    self.mount = mount
    self.request = request
    madeDirectory = request.makesDirectory
    device = handover.device
    flags = handover.agreement.flags.rawValue
    maximumBackground = handover.agreement.maximumBackground
    negotiation = handover.agreement.request
  }

  /// The directories that were made for it, and are removed when it is off them.
  var madeDirectories: [String] {
    get { (madeDirectory ? [mount.directory.text] : []) + (madeBesides ?? []) }
    set {
      madeDirectory = newValue.contains(mount.directory.text)
      madeBesides = newValue.filter { $0 != mount.directory.text }
    }
  }

  var handover: MountedFork.Handover {
    let agreement = Agreement(
      flags: InitFlags(rawValue: flags), maximumBackground: maximumBackground, request: negotiation)
    return MountedFork.Handover(path: mount.directory.text, device: device, agreement: agreement)
  }
}
