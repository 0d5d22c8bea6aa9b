import CLinux

/// The process at the other end of a Unix socket.
public enum PeerProcess {
  /// The one that connected, or began to listen; nil where that is not known.
  public static func ofSocket(_ descriptor: Int32) -> Int32? {
    let process = linux_peer_process(descriptor)
    return process > 0 ? process : nil
  }
}
