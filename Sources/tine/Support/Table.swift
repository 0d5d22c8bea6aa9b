import Control
import SystemIO

/// Columns of text, set so that people can read them.
struct Table {
  struct Column {
    let title: String
    let alignsRight: Bool

    static func left(_ title: String) -> Column { Column(title: title, alignsRight: false) }
    static func right(_ title: String) -> Column { Column(title: title, alignsRight: true) }
  }

  private let columns: [Column]
  private var rows: [(cells: [String], emphasis: Emphasis)] = []

  enum Emphasis { case none, strong, faint }

  init(_ columns: Column...) { self.columns = columns }

  /// Adds a row. Names among the cells are quoted; that nothing in a cell moves the others is seen to here.
  mutating func add(_ cells: String..., emphasis: Emphasis = .none) {
    precondition(cells.count == columns.count, "a row has a cell for each column")
    rows.append((cells.map { Quoting.harmless($0) }, emphasis))
  }

  /// The lines of the table: titles in capitals, then the rows.
  func lines(_ style: Style) -> [String] {
    let widths = columns.indices.map { column in
      rows.reduce(columns[column].title.width) { max($0, $1.cells[column].width) }
    }
    let title = style.bold(line(columns.map { $0.title.uppercased() }, widths))
    return [title]
      + rows.map { row in
        let text = line(row.cells, widths)
        switch row.emphasis {
        case .none: return text
        case .strong: return style.green(text)
        case .faint: return style.faint(text)
        }
      }
  }

  /// Prints the table to standard output.
  func print() throws(Failure) {
    for line in lines(Style(enabled: Console.outputIsTerminal)) { try Console.print(line) }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let padding = String(repeating: " ", count: widths[index] - cell.width)
      let isLast = index == cells.count - 1
      line += columns[index].alignsRight ? padding + cell : isLast ? cell : cell + padding
      if !isLast { line += "  " }
    }
    return line
  }
}

extension String {
  /// The columns it takes on a terminal, near enough for names and figures.
  fileprivate var width: Int { count }
}
