import Control
import FUSE
import FoundationEssentials
import Mount

/// What a worker has its supervisor keep of a mount, beside the channel.
struct KeptMount: Codable {
  let mount: Control.Mount
  let request: MountRequest
  let madeDirectory: Bool
  /// It is off its directory, and whoever still uses it goes on.
  var isLeaving = false
  let device: UInt64
  let flags: UInt64
  let maximumBackground: Int
  let negotiation: [UInt8]

  init(_ mount: Control.Mount, _ request: MountRequest, madeDirectory: Bool, _ handover: MountedFork.Handover) {
    self.mount = mount
    self.request = request
    self.madeDirectory = madeDirectory
    device = handover.device
    flags = handover.agreement.flags.rawValue
    maximumBackground = handover.agreement.maximumBackground
    negotiation = handover.agreement.request
  }

  var handover: MountedFork.Handover {
    let agreement = Agreement(
      flags: InitFlags(rawValue: flags), maximumBackground: maximumBackground, request: negotiation)
    return MountedFork.Handover(path: mount.directory.text, device: device, agreement: agreement)
  }
}
