import MountTestSupport
import Testing

extension Trait where Self == ConditionTrait {
  /// The suites whose tests mount.
  static var mounts: Self {
    .disabled(if: TemporaryMountPoint.obstacle != nil, "\(TemporaryMountPoint.obstacle ?? "")")
  }
}
