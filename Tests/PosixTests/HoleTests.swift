import Glibc
import PosixCalls
import SystemIO
import Testing

extension Posix {
  /// lseek(2) with SEEK_HOLE and SEEK_DATA, in units of 64 KiB, which every file system can keep apart.
  @Suite struct HoleTests {
    let place: Place
    init() throws { place = try Place() }
    static let unit: off_t = 65536

    /// `D` is a unit of data, `-` one of a hole.
    @Test(arguments: ["D", "-", "D-", "-D", "-D-", "D-D", "--DD--D-", "DDDD", "----", "D-D-D-D-"])
    func dataAndHolesAreFound(layout: String) throws {
      let units = Array(layout)
      let file = try (place / "file").create()
      try file.truncate(to: Self.unit * off_t(units.count))
      for (index, unit) in units.enumerated() where unit == "D" {
        try file.write(pattern(Int(Self.unit)), at: Self.unit * off_t(index))
      }
      try expect(layout, in: file)
      try file.synchronize()
      try expect(layout, in: file)
    }

    private func expect(_ layout: String, in file: OpenFile) throws {
      let units = Array(layout)
      let end = Self.unit * off_t(units.count)
      for index in units.indices {
        for inside in [0, 1, Self.unit - 1] {
          let offset = Self.unit * off_t(index) + inside
          for (origin, wanted) in [(SeekOrigin.data, Character("D")), (.hole, "-")] {
            let next = units[index...].firstIndex(of: wanted)
            let found = next == index ? offset : next.map { Self.unit * off_t($0) }
            if let expected = found ?? (origin == .hole ? end : nil) {
              #expect(try file.seek(offset, from: origin) == expected, "\(wanted) from \(offset)")
            } else {
              #expect(throws: Errno.noSuchDeviceOrAddress) { try file.seek(offset, from: origin) }
            }
          }
        }
      }
    }

    @Test func thereIsNothingBehindTheEnd() throws {
      let file = try (place / "file").create()
      for size in [0, 10] as [off_t] {
        try file.truncate(to: size)
        for offset in [size, size + 1, 1 << 40] {
          #expect(throws: Errno.noSuchDeviceOrAddress) { try file.seek(offset, from: .data) }
          #expect(throws: Errno.noSuchDeviceOrAddress) { try file.seek(offset, from: .hole) }
        }
        #expect(throws: Errno.noSuchDeviceOrAddress) { try file.seek(-1, from: .data) }
      }
      try file.write([1], at: 0)
      #expect(try file.seek(0, from: .hole) == 10)
      #expect(try file.seek(0, from: .current) == 10, "the place moves there")
    }

    /// What was only stored to memory is data too: cp(1) would leave it out otherwise.
    @Test func whatIsOnlyMappedIsData() throws {
      let file = try (place / "file").create()
      try file.truncate(to: 4 * Self.unit)
      let mapping = try Mapping(file, count: 4 * Int(Self.unit))
      mapping[2 * Int(Self.unit)..<3 * Int(Self.unit)] = pattern(Int(Self.unit))
      #expect(try file.seek(0, from: .data) == 2 * Self.unit)
      #expect(try file.seek(2 * Self.unit, from: .hole) == 3 * Self.unit)
    }

    @Test func seekingIsCheckedElsewhereToo() throws {
      let file = try (place / "file").create()
      #expect(throws: Errno.invalidArgument) { try file.seek(-1) }
      #expect(throws: Errno.invalidArgument) { try file.seek(0, from: .init(rawValue: 9)) }
      try file.truncate(to: 100)
      #expect(try file.seek(-10, from: .end) == 90)
      #expect(try file.seek(20, from: .current) == 110)
      #expect(throws: Errno.invalidArgument) { try file.seek(-200, from: .current) }
    }
  }
}
