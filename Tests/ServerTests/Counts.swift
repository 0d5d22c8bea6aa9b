import Glibc

/// How often tests fork a server under load: what TINE_SERVER_FORKS says, or a few times.
func forkCount(otherwise count: Int) -> Int { number("TINE_SERVER_FORKS") ?? count }

/// How often tests kill a worker under a server: what TINE_SERVER_KILLS says, or a few times.
func killCount(otherwise count: Int) -> Int { number("TINE_SERVER_KILLS") ?? count }

private func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }
