import Store

// The store's types whose names the API's messages have too.

typealias StoredHead = Head
typealias StoredChange = Change
typealias StoredLogEntry = LogEntry
typealias StoredCollectionReport = CollectionReport
typealias StoredCheckReport = CheckReport
