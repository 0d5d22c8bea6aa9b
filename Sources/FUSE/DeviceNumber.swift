import Glibc

extension dev_t {
  /// The two numbers of a device with a colon between, as the kernel writes them; taken apart as gnu_dev_major(3) and
  /// gnu_dev_minor(3) do.
  var majorAndMinor: String {
    let major = (self >> 8) & 0xfff | (self >> 32) & ~0xfff
    let minor = self & 0xff | (self >> 12) & ~0xff
    return "\(major):\(minor)"
  }

  /// The device with these two numbers; put together as gnu_dev_makedev(3) does.
  init(major: UInt64, minor: UInt64) {
    let majorBits: UInt64 = (major & 0xfff) << 8 | (major & ~0xfff) << 32
    let minorBits: UInt64 = minor & 0xff | (minor & ~0xff) << 12
    self = dev_t(majorBits | minorBits)
  }
}
