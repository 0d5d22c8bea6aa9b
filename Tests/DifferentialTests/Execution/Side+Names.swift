import PosixCalls
import SystemIO

extension Side {
  func take(_ action: NameAction) throws(Errno) -> Outcome {
    switch action {
    case .makeDirectory(let path, let mode): try path.makeDirectory(mode: mode.rawValue)
    case .makeNode(let path, let mode, let device): try path.makeNode(mode: mode.rawValue, device: UInt(device))
    case .makeSymbolicLink(let path, let target): try path.makeSymbolicLink(to: target)
    case .link(let path, let new, let follows): try path.link(to: new, followsLink: follows)
    case .unlink(let path): try path.unlink()
    case .removeDirectory(let path): try path.removeDirectory()
    case .rename(let old, let new, let flags): try old.rename(to: new, flags)
    }
    return .done
  }
}
