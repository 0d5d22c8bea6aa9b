import Glibc
import PosixCalls
import SystemIO

extension Side {
  private static let pageSize = 4096

  /// Takes the transfers of one file all at once: those past the page cache are submitted, and the others go on beside them. After they
  /// have ended, the file must hold the same, however it is read.
  func take(_ transfers: [Transfer], _ file: OpenFile) throws(Errno) -> Outcome {
    let status = try file.status()
    guard status.kind == S_IFREG else { return .leftOut("transfers of what is no file") }
    let size = Int(status.size)
    let possible = transfers.filter { $0.way == .submittedWrite || $0.way == .write || $0.end <= size }
    let name = Path("\(file.descriptor)")
    let plain = try descriptors.open(name, O_RDWR)
    let direct = try descriptors.open(name, O_RDWR | OpenFlag.direct)
    let pages = possible.map(\.end).max() ?? 0
    guard pages > 0 else { return .leftOut("nothing that reads within the file, or writes") }
    let mapping = try Mapping(plain, count: pages)
    let submitted = possible.filter { $0.way == .submittedRead || $0.way == .submittedWrite }
    var underWay = try AsynchronousTransfers(
      submitted.map { transfer in
        let isWrite = transfer.way == .submittedWrite
        return AsynchronousTransfer(
          isWrite ? .write : .read, direct, at: transfer.start,
          isWrite ? PageMemory(transfer.content.bytes) : PageMemory(count: transfer.content.count))
      })
    var outcomes: [Outcome] = []
    for transfer in possible {
      outcomes.append(outcome { () throws(Errno) in try take(transfer, plain, mapping) })
    }
    for (transfer, result) in zip(underWay.transfers, try underWay.wait()) {
      outcomes.append(
        outcome { () throws(Errno) in
          let count = try result.get()
          return transfer.kind == .read ? .bytes(Array(transfer.memory.bytes[..<count])) : .number(count)
        })
    }
    if possible.contains(where: { $0.way == .store }) { unsettled.insert(status.inode) }
    outcomes.append(try agreement(plain, direct, mapping, pages))
    return .several(outcomes)
  }

  private func take(_ transfer: Transfer, _ file: OpenFile, _ mapping: Mapping) throws(Errno) -> Outcome {
    switch transfer.way {
    case .submittedRead, .submittedWrite: return .done
    case .read: return .bytes(try file.read(transfer.content.count, at: transfer.start))
    case .write: return .number(try file.write(transfer.content.bytes, at: transfer.start))
    case .load: return .bytes(mapping[transfer.start..<transfer.end])
    case .store:
      mapping[transfer.start..<transfer.end] = transfer.content.bytes
      return .done
    }
  }

  /// What the file holds up to `end`, if it is the same in every way.
  private func agreement(
    _ plain: OpenFile, _ direct: OpenFile, _ mapping: Mapping, _ end: Int
  ) throws(Errno) -> Outcome {
    let memory = PageMemory(count: end)
    let cached = try plain.read(end, at: 0)
    let mapped = mapping[0..<cached.count]
    let stored = Array(memory.bytes[..<(try direct.read(into: memory.bytes, at: 0))])
    let outcomes = [("mapped", mapped), ("past the cache", stored)].compactMap { way, bytes in
      Outcome.bytes(bytes).firstDifference(from: .bytes(cached)).flatMap {
        bytes == cached ? nil : "read \(way) it is another one than through the cache: \($0)"
      }
    }
    return outcomes.first.map { .broken($0) } ?? .bytes(cached)
  }
}

extension Transfer {
  var start: Int { page * 4096 }
  var end: Int { start + content.count }
}
