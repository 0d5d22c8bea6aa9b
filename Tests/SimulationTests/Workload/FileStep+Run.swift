import FileSystem
import SystemIO
import TestSupport

/// The files that a workload begins with, and what each file step does to them and to their model.
extension FileStep {
  private static let user = Credentials(user: 5, group: 6)
  private static let root = FileSystem.rootInode
  private static let page = [UInt8](repeating: 0x5a, count: 4096)

  /// A long name, so that few of them fill a node of the tree.
  private static func name(_ text: String) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 200)
  }

  /// Makes the files: `a` with two pages and a part, `b` with a second name, an empty `c`, and a directory `d`.
  static func prepare(_ files: FileSystem, _ model: inout ModelFileSystem) throws {
    for text in ["a", "b", "c"] { try make(text, files, &model) }
    try write("a", at: 0, page + [UInt8](repeating: 1, count: 5000), files, &model)
    try write("b", at: 100, [1, 2, 3], files, &model)
    try FileStep.link.run(files, &model)
    try FileStep.makeDirectory.run(files, &model)
  }

  func run(_ files: FileSystem, _ model: inout ModelFileSystem) throws {
    switch self {
    case .create: try Self.make("new", files, &model)
    case .makeDirectory: try Self.makeDirectory("d", files, &model)
    case .write: try Self.write("c", at: 3000, [UInt8](repeating: 9, count: 6000), files, &model)
    case .overwrite: try Self.write("a", at: 0, [UInt8](repeating: 7, count: 4096), files, &model)
    case .duplicate: try Self.write("c", at: 4096, Self.page, files, &model)
    case .truncate:
      try Self.change("a", &model) { inode, node in
        var change = AttributeChange()
        change.size = 4100
        _ = try files.setattr(inode, change)
        node.setSize(4100)
      }
    case .punch:
      try Self.change("a", &model) { inode, node in
        try files.fallocate(inode, mode: 3, offset: 1000, length: 5000)
        node.zero(from: 1000, to: 6000)
      }
    case .unlink:
      guard let inode = model[Self.root].entries[Self.name("b")], !model[inode].isDirectory else { return }
      try files.unlink(Self.root, Self.name("b"))
      try model.unlink(Self.root, Self.name("b"))
    case .replace: try Self.rename("c", to: "a", flags: 0, files, &model)
    case .exchange: try Self.rename("a", to: "d", flags: 2, files, &model)
    case .link:
      let entries = model[Self.root].entries
      guard let inode = entries[Self.name("b")], entries[Self.name("second")] == nil, !model[inode].isDirectory
      else { return }
      _ = try files.link(inode, Self.root, Self.name("second"))
      try model.link(inode, Self.root, Self.name("second"))
    case .setLongAttribute:
      try Self.change("a", &model) { inode, node in
        let value = [UInt8](repeating: 3, count: 5000)
        try files.setxattr(inode, Array("user.long".utf8), value)
        node.attributes[Array("user.long".utf8)] = value
      }
    }
  }

  private static func make(_ text: String, _ files: FileSystem, _ model: inout ModelFileSystem) throws {
    guard model[root].entries[name(text)] == nil else { return }
    let inode = try files.mknod(root, name(text), mode: 0o100640, device: 0, user).inode
    try model.make(inode, root, name(text), .init(content: .file([:]), mode: 0o100640, links: 1))
  }

  private static func makeDirectory(_ text: String, _ files: FileSystem, _ model: inout ModelFileSystem) throws {
    guard model[root].entries[name(text)] == nil else { return }
    let inode = try files.mkdir(root, name(text), mode: 0o755, user).inode
    try model.make(inode, root, name(text), .init(content: .directory([:]), mode: 0o040755, links: 2))
  }

  private static func write(
    _ text: String, at offset: UInt64, _ bytes: [UInt8], _ files: FileSystem, _ model: inout ModelFileSystem
  ) throws {
    try change(text, &model) { inode, node in
      _ = try bytes.withUnsafeBytes { try files.write(inode, at: offset, $0) }
      node.write(at: offset, bytes)
    }
  }

  /// Changes a regular file that is there under a name.
  private static func change(
    _ text: String, _ model: inout ModelFileSystem, _ body: (UInt64, inout ModelFileSystem.Node) throws -> Void
  ) throws {
    guard let inode = model[root].entries[name(text)], model[inode].isFile else { return }
    try body(inode, &model[inode])
  }

  private static func rename(
    _ text: String, to newText: String, flags: UInt32, _ files: FileSystem, _ model: inout ModelFileSystem
  ) throws {
    let entries = model[root].entries
    guard let source = entries[name(text)], let target = entries[name(newText)], source != target else { return }
    if flags == 0, !model[source].isFile || !model[target].isFile { return }
    try files.rename(root, name(text), to: root, name(newText), flags: flags, user)
    try model.rename(root, name(text), to: root, name(newText), flags: flags, whiteout: 0)
  }
}
