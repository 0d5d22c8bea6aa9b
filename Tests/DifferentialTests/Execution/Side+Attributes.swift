import PosixCalls
import SystemIO

extension Side {
  private func at(
    _ place: Place, path act: (Path, _ follows: Bool) throws(Errno) -> Outcome,
    file actOnFile: (OpenFile) throws(Errno) -> Outcome
  ) throws(Errno) -> Outcome {
    switch place {
    case .path(let path): return try act(path, true)
    case .link(let path): return try act(path, false)
    case .handle(let slot):
      guard let handle = handles[slot] else { return .noHandle }
      return try actOnFile(handle.file)
    }
  }

  func take(_ action: AttributeAction, _ place: Place) throws(Errno) -> Outcome {
    try at(place) { (path, follows) throws(Errno) in
      try take(action, path, follows: follows)
    } file: { (file) throws(Errno) in
      try take(action, file)
    }
  }

  private func take(_ action: AttributeAction, _ path: Path, follows: Bool) throws(Errno) -> Outcome {
    switch action {
    case .status: return .status(SharedStatus(try path.status(followsLink: follows)))
    case .changeMode(let mode): try path.setMode(mode.rawValue)
    case .changeOwner(let user, let group): try path.setOwner(user: user, group: group, followsLink: follows)
    case .setTimes(let accessed, let modified):
      try path.setTimes(accessed: accessed, modified: modified, followsLink: follows)
    case .truncate(let size): try path.truncate(to: size)
    case .access(let mode): try path.checkAccess(mode)
    case .readLink: return .bytes(try path.readSymbolicLink())
    }
    return .done
  }

  private func take(_ action: AttributeAction, _ file: OpenFile) throws(Errno) -> Outcome {
    switch action {
    case .status, .access, .readLink: return .status(SharedStatus(try file.status()))
    case .changeMode(let mode): try file.setMode(mode.rawValue)
    case .changeOwner(let user, let group): try file.setOwner(user: user, group: group)
    case .setTimes(let accessed, let modified): try file.setTimes(accessed: accessed, modified: modified)
    case .truncate(let size): try file.truncate(to: size)
    }
    return .done
  }

  func take(_ action: ExtendedAttributeAction, _ place: Place) throws(Errno) -> Outcome {
    try at(place) { (path, follows) throws(Errno) in
      try take(action, path, follows: follows)
    } file: { (file) throws(Errno) in
      try take(action, file)
    }
  }

  private func take(_ action: ExtendedAttributeAction, _ path: Path, follows: Bool) throws(Errno) -> Outcome {
    switch action {
    case .get(let name, nil): return .bytes(try path.attribute(name, followsLink: follows))
    case .get(let name, let room?): return .number(try path.attributeSize(name, capacity: room))
    case .set(let name, let content, let condition):
      try path.setAttribute(name, to: content.bytes, condition, followsLink: follows)
    case .remove(let name): try path.removeAttribute(name, followsLink: follows)
    case .list: return .names(try path.attributeNames(followsLink: follows).sorted())
    case .setList(let role, let list):
      try path.setAttribute(role.rawValue, to: list.encoded, followsLink: follows)
    }
    return .done
  }

  private func take(_ action: ExtendedAttributeAction, _ file: OpenFile) throws(Errno) -> Outcome {
    switch action {
    case .get(let name, _): return .bytes(try file.attribute(name))
    case .set(let name, let content, let condition): try file.setAttribute(name, to: content.bytes, condition)
    case .remove(let name): try file.removeAttribute(name)
    case .list: return .names(try file.attributeNames().sorted())
    case .setList(let role, let list): try file.setAttribute(role.rawValue, to: list.encoded)
    }
    return .done
  }
}
