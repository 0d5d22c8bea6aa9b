import Service

/// Something that is there as long as a client's session.
enum Lease: Codable, Hashable {
  /// A fork or snapshot.
  case head(LeasedHead)
  /// A mount, by its number in the table.
  case mount(number: Int)
}

/// What a worker has its supervisor keep of a session that holds leases, beside the connection.
struct KeptSession: Codable {
  let token: String
  let leases: [Lease]
}
