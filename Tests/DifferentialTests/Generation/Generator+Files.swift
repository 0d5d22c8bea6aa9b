import PosixCalls

extension Generator {
  mutating func handleAction() -> HandleAction {
    let slot = number(0..<Self.slotCount)
    switch number(0..<20) {
    case 0..<14:
      let flags = openFlags()
      if flags.contains(.temporary) { return .open(slot, existing([.directory]), flags, mode()) }
      let path = flags.contains(.create) && oneIn(3) ? new() : existing([.file])
      return .open(slot, oneIn(12) ? existing() : path, flags, mode())
    case 14..<16: return .close(slot)
    case 16..<18: return .link(temporarySlot() ?? fileSlot(), new())
    default:
      let flags = openFlags().subtracting([.temporary, .exclusive, .create])
      return oneIn(3) ? .openByHandle(slot, existing(), flags) : .reopen(slot, from: fileSlot(), flags)
    }
  }

  private func temporarySlot() -> Slot? {
    slots.filter { $0.value.flags.contains(.temporary) }.keys.min()
  }

  private mutating func openFlags() -> OpenFlags {
    var flags: OpenFlags = oneIn(5) ? (oneIn(2) ? [] : .writing) : .both
    if oneIn(25) { return [.temporary, oneIn(6) ? [] : .both] }
    let chances: [(OpenFlags, Int)] = [
      (.create, 2), (.exclusive, 10), (.truncate, 9), (.append, 6), (.noFollow, 16), (.directory, 20),
      (.synchronous, 16), (.direct, 10), (.pathOnly, 25), (.noAccessTime, 25),
    ]
    for (flag, chance) in chances where oneIn(chance) { flags.insert(flag) }
    return flags
  }

  /// For a handle of direct I/O, what ext4 takes: whole blocks.
  mutating func contentAction(_ slot: KnownSlot?) -> ContentAction {
    let isDirect = slot?.flags.contains(.direct) ?? false
    let size = slot?.size ?? 0
    let offset = isDirect && !oneIn(20) ? alignedOffset() : offset(size)
    var content = content()
    if isDirect, !oneIn(20) { content.count = content.count / 4096 * 4096 }
    switch number(0..<100) {
    case 0..<7: return .read(content.count)
    case 7..<17: return .write(content)
    case 17..<29: return .readAt(offset, content.count)
    case 29..<50: return .writeAt(offset, content)
    case 50..<54:
      let others = [self.content(atMost: 300), self.content(atMost: 9000)]
      return .writeVector(offset, [content] + (isDirect ? [content] : others))
    case 54: return .append(content)
    case 55..<62:
      return .seek(oneIn(20) ? -offset : offset, pick([.start, .current, .end, .data, .data, .hole, .hole]))
    case 62..<78:
      let count = oneIn(2) ? number(0..<20) * 4096 : number(0..<80_000)
      return .allocate(allocationMode(), isDirect || oneIn(2) ? alignedOffset() : offset, count)
    case 78..<94:
      let target = oneIn(2) ? alignedOffset() : self.offset(size)
      return .copyRange(from: offset, to: fileSlot(), at: target, count: content.count * (oneIn(4) ? 8 : 1))
    case 94..<97: return .together(transfers(size))
    default: return .synchronize(pick(SynchronizationScope.allCases))
    }
  }

  /// Some in each other's neighbourhood, of which some may write behind the end of the file.
  private mutating func transfers(_ size: Int) -> [Transfer] {
    var page = number(0..<max(1, min(size / 4096, 30)))
    return (0..<number(2..<8)).map { _ in
      let pages = number(1..<(oneIn(3) ? 50 : 6))
      defer { page += pages + (oneIn(3) ? number(0..<3) : 0) }
      return Transfer(
        way: pick(Transfer.Way.allCases), page: page, content: Content(seed: number(1..<1000), count: pages * 4096))
    }
  }

  private mutating func allocationMode() -> AllocationMode {
    switch number(0..<20) {
    case 0..<4: []
    case 4..<7: .keepSize
    case 7..<11: [.punch, .keepSize]
    case 11..<13: .zero
    case 13..<15: [.zero, .keepSize]
    case 15, 16: .collapse
    case 17, 18: .insert
    default: pick([.punch, [.collapse, .keepSize], [.zero, .punch], .init(rawValue: 0x40), .init(rawValue: 0x80)])
    }
  }

  mutating func mappingAction(_ slot: KnownSlot?) -> MappingAction {
    guard let mapping = slot?.mapping, !oneIn(8) else {
      return .map(firstPage: number(0..<4), pages: number(1..<12), writable: !oneIn(6))
    }
    let end = min(mapping.upperBound, slot?.size ?? 0)
    let offset = number(mapping.lowerBound..<max(mapping.lowerBound + 1, end))
    switch number(0..<20) {
    case 0: return .unmap
    case 1..<11:
      var content = content(atMost: 9000)
      content.count = min(content.count, max(1, end - offset))
      return .store(offset, content)
    case 11..<17: return .load(offset, number(1..<max(2, end - offset + 1)))
    default: return .synchronize
    }
  }
}
