import Store

/// The store's description of a head, whose name the API's message has too.
typealias StoredHead = Head
