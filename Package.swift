// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of Tine; its dependencies may only be modules below it (see docs/architecture.md).
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A program made of modules.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(module)Tests", dependencies: [.init(stringLiteral: module), "TestSupport"] + dependencies,
    exclude: exclude, swiftSettings: settings)
}

/// The decoders with their corpora: a test that replays them, or, for `Tests/Fuzzing/run`, a program that libFuzzer drives.
func fuzzing(isFuzzer: Bool) -> Target {
  let dependencies: [Target.Dependency] = [
    "Control", "FUSE", "CFUSE", "FileSystem", "Store", "Tree", "Ledger", "SystemIO", "TestSupport",
  ]
  let exclude = ["Corpus", "run"]
  return isFuzzer
    ? .executableTarget(
      name: "Fuzzing", dependencies: dependencies, path: "Tests/Fuzzing", exclude: exclude + ["Replay"],
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
    : .testTarget(
      name: "FuzzingTests", dependencies: dependencies, path: "Tests/Fuzzing", exclude: exclude + ["Fuzzer"],
      swiftSettings: settings)
}

let package = Package(
  name: "tine",
  products: [
    .executable(name: "tine", targets: ["tine"]),
    .executable(name: "tined", targets: ["tined"]),
  ]
    // For the benchmarks, which are a package of their own.
    + ["SystemIO", "Ledger", "Tree", "Store", "FileSystem", "Transfer"].map { .library(name: $0, targets: [$0]) },
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CFUSE", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),

    module("SystemIO", ["CLinux"]),
    module("Ledger", ["SystemIO", "CLZ4", "CXXHash"]),
    module("Tree", ["SystemIO"]),
    module("Store", ["Tree", "Ledger", "SystemIO"]),
    module("FileSystem", ["Store", "Tree", "Ledger", "SystemIO"]),
    module("Transfer", ["FileSystem", "Store", "Ledger", "SystemIO", "CLinux"]),
    module("FUSE", ["CFUSE", "CLinux", "SystemIO"]),
    module("Mount", ["FUSE", "FileSystem", "Store", "SystemIO"]),
    module("Control", ["SystemIO"]),
    module("Processes", ["SystemIO", "CLinux"]),
    module("Service", ["Control", "Processes", "Transfer", "FileSystem", "Store", "SystemIO", "CLinux"]),
    program(
      "tine",
      [
        "Service", "Control", "Processes", "SystemIO", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    program(
      "tined",
      [
        "Service", "Control", "Processes", "Mount", "FUSE", "FileSystem", "SystemIO", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),

    .target(
      name: "TestSupport", dependencies: ["FileSystem", "Store", "SystemIO"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .executableTarget(
      name: "MountTestServer", dependencies: ["FUSE", "SystemIO", "MountTestSupport"], path: "Tests/MountTestServer",
      swiftSettings: settings),
    .executableTarget(
      name: "ForkTestServer", dependencies: ["Mount", "FUSE", "FileSystem", "Store", "SystemIO"],
      path: "Tests/ForkTestServer", swiftSettings: settings),
    .target(name: "CPosix", path: "Tests/CPosix", cSettings: [.define("_GNU_SOURCE")]),
    .target(
      name: "PosixCalls", dependencies: ["CPosix", "SystemIO"], path: "Tests/PosixCalls", swiftSettings: settings),
    .target(
      name: "CoherenceSupport", dependencies: ["PosixCalls", "TestSupport", "SystemIO"],
      path: "Tests/CoherenceSupport", swiftSettings: settings),
    .testTarget(
      name: "ServerTests",
      dependencies: ["TestSupport", "CoherenceSupport", "PosixCalls", "SystemIO", "tine", "tined"],
      swiftSettings: settings),
    .target(
      name: "MountTestSupport", dependencies: ["CLinux", "SystemIO", "TestSupport"], path: "Tests/MountTestSupport",
      swiftSettings: settings),
    .executableTarget(
      name: "PosixTestPeer", dependencies: ["PosixCalls", "SystemIO"], path: "Tests/PosixTestPeer",
      swiftSettings: settings),
    .testTarget(
      name: "PosixTests",
      dependencies: [
        "PosixCalls", "SystemIO", "TestSupport", "CoherenceSupport", "MountTestSupport", "PosixTestPeer",
        "ForkTestServer",
      ],
      swiftSettings: settings),
    tests("SystemIO"),
    tests("Ledger", ["SystemIO"]),
    tests("Tree", ["SystemIO"]),
    tests("Store", ["FileSystem", "Tree", "Ledger", "SystemIO"], exclude: ["Golden"]),
    .testTarget(
      name: "SimulationTests", dependencies: ["TestSupport", "FileSystem", "Store", "Ledger", "SystemIO"],
      swiftSettings: settings),
    tests("Transfer", ["FileSystem", "Store", "SystemIO"]),
    tests("FileSystem", ["Store", "Tree", "Ledger", "SystemIO"]),
    .testTarget(
      name: "FUSETests", dependencies: ["FUSE", "CFUSE", "SystemIO", "MountTestSupport", "MountTestServer"],
      swiftSettings: settings),
    .testTarget(
      name: "MountTests",
      dependencies: [
        "Mount", "FUSE", "SystemIO", "PosixCalls", "TestSupport", "CoherenceSupport", "MountTestSupport",
        "ForkTestServer",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "DifferentialTests",
      dependencies: ["PosixCalls", "SystemIO", "TestSupport", "MountTestSupport", "ForkTestServer"],
      swiftSettings: settings),
    .testTarget(name: "ControlTests", dependencies: ["Control", "SystemIO"], swiftSettings: settings),
    .testTarget(name: "ProcessesTests", dependencies: ["Processes", "SystemIO", "tine"], swiftSettings: settings),
    .testTarget(
      name: "ServiceTests", dependencies: ["Service", "Control", "FileSystem", "SystemIO", "TestSupport"],
      swiftSettings: settings),
    fuzzing(isFuzzer: Context.environment["TINE_FUZZING"] != nil),
    .testTarget(
      name: "CommandTests", dependencies: ["tine", "tined", "Processes", "SystemIO"],
      exclude: ["Transcripts", "Programs"],
      swiftSettings: settings),
  ]
)
