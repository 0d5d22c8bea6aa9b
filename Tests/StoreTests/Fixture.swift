import FileSystem
import Ledger
import SystemIO
import TestSupport
import Testing

@testable import Store

/// Small sizes, so that segments roll, nodes are pushed out and checkpoints come often.
var tinyOptions: StoreOptions {
  var options = StoreOptions()
  options.checkpointsInBackground = false
  options.cleanNodes = 64
  options.reservedBytes = 32 << 10
  options.ledger.segmentSize = 128 << 10
  options.ledger.allocationStep = 8 << 10
  options.ledger.hintCapacity = 1 << 10
  return options
}

func makeStore(on storage: any Storage) throws -> Store {
  try Store.create(on: storage, describedAs: "memory")
  return try openStore(on: storage)
}

func openStore(on storage: any Storage) throws -> Store {
  try Store.open(on: storage, options: tinyOptions, describedAs: "memory")
}

extension Store {
  /// A fork's files.
  func files(_ name: String) throws -> FileSystem { FileSystem(try volume(Reference(name))) }

  /// A new fork with a root directory and a model of it.
  func makeFork(_ name: String) throws -> RandomOperations {
    _ = try createFork(named: name)
    return try RandomOperations(files(name), largestSize: 60_000)
  }

  var problems: [String] { get throws { try check().problems.map { "\($0)" } } }
}

extension RandomOperations {
  mutating func run(_ count: Int, _ random: inout SeededRandom) throws {
    for _ in 0..<count { try step(&random) }
  }

  /// The model of what the store holds now, under the same name.
  func verified(in store: Store) throws -> RandomOperations {
    let operations = try moved(to: FileSystem(store.volume(Reference(files.name))))
    try operations.model.compare(with: operations.files)
    return operations
  }
}
