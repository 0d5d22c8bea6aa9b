import Control

/// Exit codes, as docs/cli.md lists them. Usage errors are 64, by ArgumentParser's own rule.
extension Failure {
  var exitCode: Int32 {
    switch kind {
    case .failed, .unreachable, .silent, .busy: 1
    case .noSuchName, .notAStore: 3
    case .nameTaken, .storeExists, .conflict: 4
    case .storeInUse: 5
    case .damaged: 6
    case .newerFormat, .notSupported: 7
    case .noSpace: 8
    case .badRequest, .invalidName: 64
    case .canceled: 130
    }
  }
}

/// What `run` and `sample` exit with where Tine itself failed, so that it is not taken for the command's code.
enum RunExit {
  static let tineFailed: Int32 = 125
  static let cannotExecute: Int32 = 126
  static let noSuchProgram: Int32 = 127
}
