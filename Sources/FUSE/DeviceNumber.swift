import Glibc

extension dev_t {
  /// The two numbers of a device with a colon between, as the kernel writes them; taken apart as gnu_dev_major(3) and
  /// gnu_dev_minor(3) do.
  var majorAndMinor: String {
    let major = (self >> 8) & 0xfff | (self >> 32) & ~0xfff
    let minor = self & 0xff | (self >> 12) & ~0xff
    return "\(major):\(minor)"
  }
}
