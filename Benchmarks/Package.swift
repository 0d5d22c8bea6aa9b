// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .unsafeFlags(["-warnings-as-errors"]),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library of Tine.
func tine(_ name: String) -> Target.Dependency { .product(name: name, package: "tine") }

// A package of its own: in the root one, the benchmark harness would quadruple every cold build.
let package = Package(
  name: "tine-benchmarks",
  dependencies: [
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    .package(name: "tine", path: "../"),
  ],
  targets: [
    .target(
      name: "Workloads",
      dependencies: [tine("SystemIO"), tine("Ledger"), tine("Tree"), tine("Store"), tine("FileSystem")],
      swiftSettings: settings),
    .executableTarget(
      name: "Micro",
      dependencies: [
        "Workloads", tine("SystemIO"), tine("Ledger"), tine("Tree"), tine("Store"), tine("FileSystem"),
        tine("Transfer"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Micro", swiftSettings: settings,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    // Not in Benchmarks/Compare: the harness takes every folder of a folder of that name for one of its own.
    .executableTarget(
      name: "Compare",
      dependencies: [
        "Workloads", tine("SystemIO"), tine("Ledger"), tine("Store"), tine("FileSystem"), tine("Transfer"),
      ],
      swiftSettings: settings),
  ]
)
