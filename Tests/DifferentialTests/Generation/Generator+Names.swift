import PosixCalls

extension Generator {
  private static let plainNames: [Path] = ["a", "b", "c", "d", "e", "f", "g"]
  private static let oddNames: [Path] = [
    Path([0xff, 0xfe, 0x0a]), " ", "...", "-", "a.", "\u{e4}", "A", ".fuse_hidden0000000100000001", "*",
    Path([0x01, 0x7f]), Path([0xc3, 0x28]), ".a",
  ]
  private static let longName = Path([UInt8](repeating: UInt8(ascii: "n"), count: 255))
  private static let tooLongPath = Path(Array(repeatElement([0x2e, 0x2f], count: 2100).joined()))
  private static let tooLongName = Path([UInt8](repeating: UInt8(ascii: "n"), count: 256))

  mutating func name() -> Path {
    switch number(0..<100) {
    case 0..<84: pick(Self.plainNames)
    case 84..<92: pick(Self.oddNames)
    case 92..<94: Self.longName
    case 94: Self.tooLongName
    case 95: Path([UInt8](repeating: UInt8(number(0x80..<0x100)), count: 255))
    case 96: "."
    case 97: ".."
    default: Path([UInt8](repeating: UInt8(number(1..<0x2f)), count: number(1..<256)))
    }
  }

  /// A path in some directory, or behind a symbolic link.
  mutating func new(in directory: Path? = nil) -> Path {
    let kinds: Set<KnownNames.Kind> = oneIn(12) ? [.symbolicLink, .file] : [.directory]
    let parent = directory ?? (oneIn(3) ? "." : known.any(kinds, &random)) ?? "."
    return decorated(parent == "." ? name() : parent / name())
  }

  /// A path that leads somewhere, mostly.
  mutating func existing(_ kinds: Set<KnownNames.Kind> = [.directory, .file, .symbolicLink, .special]) -> Path {
    if oneIn(80) { return pick([".", "..", "", "./", "nothing/at/all", "/", "a/../a/../b", Self.tooLongPath]) }
    if oneIn(10) { return new() }
    return decorated(known.any(kinds, &random) ?? new())
  }

  /// The path with what should not matter, or does in few calls only.
  private mutating func decorated(_ path: Path) -> Path {
    guard oneIn(25) else { return path }
    switch number(0..<5) {
    case 0: return Path(path.bytes + [UInt8(ascii: "/")])
    case 1: return Path(path.bytes + [UInt8](repeating: UInt8(ascii: "/"), count: 3))
    case 2: return Path(path.bytes + [UInt8]("/.".utf8))
    case 3: return Path(path.bytes + [UInt8]("/..".utf8))
    default: return Path([UInt8]("./".utf8) + path.bytes)
    }
  }

  mutating func nameAction(in directory: Path?) -> NameAction {
    switch number(0..<100) {
    case 0..<20: return .makeDirectory(new(in: directory), oneIn(5) ? mode() : 0o777)
    case 20..<32: return makeNode(new(in: directory))
    case 32..<42: return makeSymbolicLink(new(in: directory))
    case 42..<54:
      return .link(existing([.file, .symbolicLink, .special]), to: new(in: directory), follows: oneIn(4))
    case 54..<64:
      let some = existing([.file, .symbolicLink, .special])
      return .unlink(oneIn(12) ? existing() : directory.map { $0 / name() } ?? some)
    case 64..<72: return .removeDirectory(directory.map { $0 / name() } ?? existing([.directory]))
    default: return rename(existing(), oneIn(2) ? new(in: directory) : existing())
    }
  }

  private mutating func makeNode(_ path: Path) -> NameAction {
    let type: UInt32
    var device: UInt64 = 0
    switch number(0..<20) {
    case 0..<13: type = 0o100000
    case 13, 14: type = 0o010000
    case 15, 16: type = 0o140000
    case 17, 18:
      type = 0o020000
      device = pick([0, 0x103, 0x105, 0x107, 0x3c07, 0xfff00, 0x12_3456_0789])
    case 19:
      type = oneIn(4) ? 0o040000 : 0o060000
      device = pick([0x3c05, 0xf000_1234_5678])
    default: type = 0
    }
    return .makeNode(path, Mode(type | mode().rawValue), device: device)
  }

  private mutating func makeSymbolicLink(_ path: Path) -> NameAction {
    switch number(0..<12) {
    case 0: return .makeSymbolicLink(path, to: Path([UInt8](path.bytes.split(separator: UInt8(ascii: "/")).last ?? [])))
    case 1: return .makeSymbolicLink(path, to: "")
    case 2:
      let count = pick([59, 60, 4000, 4094, 4095, 4096])
      return .makeSymbolicLink(path, to: Path([UInt8](repeating: UInt8(ascii: "t"), count: count)))
    case 3: return .makeSymbolicLink(path, to: "nothing/at/all")
    case 4: return .makeSymbolicLink(path, to: pick([".", "..", "../..", "/"]))
    case 5..<9: return .makeSymbolicLink(path, to: name())
    default: return .makeSymbolicLink(path, to: existing())
    }
  }

  private mutating func rename(_ old: Path, _ new: Path) -> NameAction {
    let flags: RenameFlags
    switch number(0..<20) {
    case 0..<11: flags = []
    case 11..<13: flags = .noReplace
    case 13..<17: flags = .exchange
    case 17..<19: flags = .whiteout
    default:
      let mixed: [RenameFlags] = [[.noReplace, .exchange], [.whiteout, .exchange], [.whiteout, .noReplace]]
      flags = pick(mixed + [RenameFlags(rawValue: 8)])
    }
    return .rename(old, new, flags)
  }
}
