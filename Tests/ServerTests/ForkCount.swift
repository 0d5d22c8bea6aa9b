import Glibc

/// How often tests fork a server under load: what TINE_SERVER_FORKS says, or a few times.
func forkCount(otherwise count: Int) -> Int {
  getenv("TINE_SERVER_FORKS").flatMap { Int(String(cString: $0)) } ?? count
}
