import FileSystem
import SystemIO
import TestSupport
import Testing

@testable import Store

/// What a check says about damage, against what is known of the store, and what can still be done with it.
@Suite struct DamageReportTests {
  /// A flipped bit of a block or node is reported for every fork, file and page that it affects, and for no other; everything else is read as it was,
  /// and forks that are not affected are written to.
  @Test(arguments: [UInt64](1...2)) func aFlippedBitIsReportedWhereItIs(seed: UInt64) throws {
    let worked = try WorkedStore(seed: seed, collecting: seed == 2)
    let map = try StoreMap(openStore(on: worked.disk.copy()))
    var random = SeededRandom(seed: seed)
    let places = map.uses.keys.sorted { ($0.path, $0.bytes.lowerBound) < ($1.path, $1.bytes.lowerBound) }
    let nodes = places.filter { $0.path.hasPrefix("index/") }
    for index in 0..<60 {
      let place = (index % 2 == 0 ? places : nodes).randomElement(using: &random)!
      let offset = place.bytes.randomElement(using: &random)!
      let context = "seed \(seed): byte \(offset) of \(place.path)"
      let damaged = worked.flipping(place.path, at: offset, bit: UInt8.random(in: 0..<8, using: &random))
      try judge(damaged, worked, Set(map.uses(of: place.path, at: offset)), context, seed)
    }
  }

  private func judge(
    _ damaged: MemoryStorage, _ worked: WorkedStore, _ uses: Set<StoreMap.Use>, _ context: String, _ seed: UInt64
  ) throws {
    let store = try openStore(on: damaged)
    let problems = try store.check().problems.filter { !$0.isOfForkPoint }
    let affected = Set(problems.compactMap(\.head))
    #expect(affected == Set(uses.map(\.head)), "\(context): \(problems)")
    for (name, model) in worked.models.sorted(by: { $0.key < $1.key }) {
      let mine = problems.filter { $0.head == name }
      try verify(mine, uses.filter { $0.head == name }, model, context)
      let reading = try ToleratedReading(store.files(name), model)
      #expect(mine.isEmpty ? reading.isWhole : true, "\(context): \(name) can't be read, and nobody says so")
      for page in reading.unreadablePages {
        #expect(mine.contains { $0.concerns(page[0], page[1], model) }, "\(context): page \(page) of \(name): \(mine)")
      }
      for entry in reading.unreadableEntries {
        let isTold = entry.contains { inode in mine.contains { $0.concerns(inode, nil, model) } }
        #expect(isTold, "\(context): entry \(entry) of \(name): \(mine)")
      }
      for inode in reading.unreadableInodes {
        #expect(mine.contains { $0.concerns(inode, nil, model) }, "\(context): inode \(inode) of \(name): \(mine)")
      }
    }
    try use(store, worked, except: affected, context, seed)
    try store.close()
    try reopen(damaged, worked, except: affected)
  }

  /// What is said of one head is what is known of it.
  private func verify(
    _ problems: [CheckProblem], _ uses: Set<StoreMap.Use>, _ model: ModelFileSystem, _ context: String
  ) throws {
    for use in uses {
      switch use {
      case .page(_, let inode, let page):
        #expect(problems.contains { $0.concerns(inode, page, model) }, "\(context): \(use) is not in \(problems)")
      case .node(_, let inodes):
        let expected = model.paths.filter { inodes.contains($0.value) }
        let problem = try #require(problems.first { $0.inodes != nil })
        #expect(
          problem.inodes!.lowerBound <= inodes.lowerBound && problem.inodes!.upperBound >= inodes.upperBound,
          "\(context)")
        // Names stand in two places, of which the node may be one; where it is both, nobody knows them.
        #expect(Set(problem.paths).isSubset(of: Set(model.paths.keys).union([[0x2e]])), "\(context): \(expected)")
      }
    }
    let pages = problems.filter { $0.inodes == nil }.compactMap(\.pages).reduce(0) { $0 + $1.count }
    let known = uses.filter { if case .page(_, _, let page) = $0 { page < 1 << 51 } else { false } }
    #expect(pages == known.count, "\(context): \(problems) names other pages than \(known)")
  }

  /// Forks that are not affected go on as if nothing were.
  private func use(
    _ store: Store, _ worked: WorkedStore, except affected: Set<String>, _ context: String, _ seed: UInt64
  ) throws {
    for head in store.heads() where head.kind == .fork && !affected.contains(head.name) {
      var random = SeededRandom(seed: seed)
      var fork = RandomOperations(resuming: try store.files(head.name), model: worked.models[head.name]!)
      do {
        try fork.model.compare(with: fork.files)
        try fork.run(30, &random)
        try fork.model.compare(with: fork.files)
      } catch { Issue.record("\(context): \(head.name) is not harmed, and: \(error)") }
    }
    try store.checkpoint()
  }

  private func reopen(_ damaged: MemoryStorage, _ worked: WorkedStore, except affected: Set<String>) throws {
    let store = try openStore(on: damaged)
    #expect(Set(try store.check().problems.filter { !$0.isOfForkPoint }.compactMap(\.head)) == affected)
    #expect(Set(store.heads().map(\.name)) == Set(worked.models.keys))
  }

  /// What is neither a block nor a node is padding, or is reported with its place, or lets the store be refused with its place.
  @Test func aFlippedBitElsewhereIsReportedWithItsPlace() throws {
    let worked = try WorkedStore(seed: 3, steps: 60)
    let map = try StoreMap(openStore(on: worked.disk.copy()))
    let seed: UInt64 = 3
    var random = SeededRandom(seed: seed)
    var reported = 0
    for path in worked.disk.paths where path != "lock" {
      let size = worked.disk.bytes(of: path).count
      for _ in 0..<40 {
        // The ends of a file are its header, its slot directory and its footer.
        let end = Int.random(in: 0..<min(size, 400), using: &random)
        let offset = [end, size - 1 - end, Int.random(in: 0..<size, using: &random)].randomElement(using: &random)!
        guard map.uses(of: path, at: offset).isEmpty else { continue }
        let damaged = worked.flipping(path, at: offset, bit: UInt8.random(in: 0..<8, using: &random))
        let context = "seed \(seed): byte \(offset) of \(path)"
        do {
          let store = try openStore(on: damaged)
          let problems = try store.check().problems
          if !problems.isEmpty { reported += 1 }
          #expect(!problems.isEmpty || !Self.isNeeded(offset, of: size, path), "\(context): nobody says so")
          for (name, model) in worked.models.sorted(by: { $0.key < $1.key }) {
            let reading = try ToleratedReading(store.files(name), model)
            #expect(reading.isWhole || problems.contains { $0.head == name }, "\(context): \(name): \(problems)")
          }
        } catch let error as StoreError {
          #expect([.damaged, .newerFormat].contains(error.kind), "\(context): \(error)")
        }
      }
    }
    #expect(reported > 20)
  }

  /// Whether a byte of a manifest, or of a ledger segment's header or footer, means something.
  private static func isNeeded(_ offset: Int, of size: Int, _ path: String) -> Bool {
    path.hasPrefix("manifest/") || path.hasPrefix("ledger/") && (offset < 56 || offset >= size - 64)
  }

  /// A file with several names is named by all of them, and a long value by its attribute.
  @Test func everyNameOfADamagedFileIsTold() throws {
    let disk = MemoryStorage()
    let store = try makeStore(on: disk)
    let main = try store.makeFork("main")
    let user = Credentials(user: 0, group: 0)
    let inode = try main.files.mknod(1, Array("b".utf8), mode: 0o100600, device: 0, user).inode
    let directory = try main.files.mkdir(1, Array("d".utf8), mode: 0o700, user).inode
    _ = try main.files.link(inode, 1, Array("a".utf8))
    _ = try main.files.link(inode, directory, Array("c".utf8))
    var random = SeededRandom(seed: 5)
    try main.files.put(inode, random.bytes(3 * 4096))
    try main.files.setxattr(inode, Array("user.long".utf8), random.bytes(5000))
    _ = try store.fork(Reference("main"), as: "dev")
    try store.close()
    let map = try StoreMap(openStore(on: disk.copy()))
    for place in map.uses.keys where place.path.hasPrefix("ledger/") {
      disk.flip(place.path, at: place.bytes.lowerBound)
    }
    let problems = try openStore(on: disk).check().problems
    let names = ["a", "b", "d/c"].map { Array($0.utf8) }
    for head in ["main", "dev"] {
      let mine = problems.filter { $0.head == head }
      #expect(mine.map(\.paths) == [names, names])
      #expect(mine.map(\.pages) == [0...2, nil])
      #expect(mine[1].message.hasPrefix("the value of its extended attribute user.long: block"))
    }
    #expect(problems.count == 4)
  }
}

extension CheckProblem {
  /// Whether it harms what a fork began with alone, which the fork may have changed since.
  fileprivate var isOfForkPoint: Bool { message.hasPrefix("in the state that it was forked from: ") }

  /// Whether it says that an inode, or a page of it, cannot be read.
  fileprivate func concerns(_ inode: UInt64, _ page: UInt64?, _ model: ModelFileSystem) -> Bool {
    if let inodes { return inodes.contains(inode) }
    let paths = inode == 1 ? [[UInt8(ascii: ".")]] : Set(model.paths.filter { $0.value == inode }.keys)
    guard Set(self.paths) == paths else { return false }
    guard let page, page < 1 << 51 else { return true }
    return pages?.contains(page) ?? false
  }
}
