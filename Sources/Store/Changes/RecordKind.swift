/// What a record is about. Kinds below 16 change the catalog; the others change one fork and name the call that did.
public enum RecordKind: UInt16, Sendable, CaseIterable {
  case createFork = 1
  case fork = 2
  case snapshot = 3
  case drop = 4
  case completeImport = 5

  case create = 16
  case makeDirectory = 17
  case symbolicLink = 18
  case link = 19
  case unlink = 20
  case removeDirectory = 21
  case rename = 22
  case write = 23
  case truncate = 24
  case setAttributes = 25
  case allocate = 26
  case copyRange = 27
  case setExtendedAttribute = 28
  case removeExtendedAttribute = 29
  case purge = 30
  case importEntry = 31

  var changesCatalog: Bool { rawValue < 16 }

  /// Whether it can give space back, so that it must work on a full disk.
  var freesSpace: Bool {
    switch self {
    case .drop, .unlink, .removeDirectory, .truncate, .purge, .removeExtendedAttribute: true
    default: false
    }
  }
}
