import Glibc
import PosixCalls
import SystemIO

extension Side {
  func take(_ action: HandleAction) throws(Errno) -> Outcome {
    switch action {
    case .open(let slot, let path, let flags, let mode):
      handles[slot] = nil
      // Opening a FIFO waits for the other end otherwise.
      let file = try path.open(flags.rawValue | O_NONBLOCK, mode: mode.rawValue)
      handles[slot] = Handle(file: file, flags: flags)
    case .close(let slot): handles[slot] = nil
    case .link(let slot, let path):
      guard let handle = handles[slot] else { return .noHandle }
      try handle.file.link(to: path)
    case .reopen(let slot, let source, let flags):
      guard let handle = handles[source] else { return .noHandle }
      let file = try descriptors.open("\(handle.file.descriptor)", flags.rawValue | O_NONBLOCK)
      handles[slot] = Handle(file: file, flags: flags)
    case .openByHandle(let slot, let path, let flags):
      let file = try Path(".").open(O_RDONLY).open(try path.handle(), flags.rawValue | O_NONBLOCK)
      handles[slot] = Handle(file: file, flags: flags)
    }
    return .done
  }
}

extension Outcome {
  static let noHandle = Outcome.leftOut("no file is open there")
}
