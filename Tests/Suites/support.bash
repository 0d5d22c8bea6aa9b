# What the suites share; it is sourced. All of them are called as `SUITE DIRECTORY [--verify]`: without --verify a suite
# runs in the directory and may leave its files there, with it what a former run left is verified again, in another fork
# or after a remount. Each check prints one line; the exit code is 1 where one has failed.

suite=$(basename "$0")
failures=0

fatal() {
  printf 'error: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf 'hint: %s\n' "$2" >&2; fi
  exit 2
}

# Reads the command line of a suite into `directory` and `mode` (run or verify), and makes `scratch`, a directory on the
# host that goes when the suite ends.
begin() {
  if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${2:---verify}" != --verify ]; then
    printf 'usage: %s DIRECTORY [--verify]\n' "$0" >&2
    exit 64
  fi
  [ -d "$1" ] || fatal "there is no directory $1"
  directory=$(realpath "$1")
  mode=run
  if [ $# -eq 2 ]; then mode=verify; fi
  scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/tine-suite-XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
}

needs_root() {
  [ "$(id -u)" -eq 0 ] || fatal "$suite must run as root"
}

# needs PROGRAM PACKAGE...: pairs of a program and the Debian package that has it.
needs() {
  while [ $# -gt 0 ]; do
    command -v "$1" > /dev/null || fatal "there is no $1" "install the Debian package $2"
    shift 2
  done
}

# Ends a suite whose files say all at once, when it is asked to verify them again.
has_nothing_to_verify() {
  if [ "$mode" = verify ]; then exit 0; fi
}

passed() { printf 'ok      %s: %s\n' "$suite" "$1"; }

failed() {
  failures=$((failures + 1))
  printf 'FAILED  %s: %s\n' "$suite" "$1"
  if [ $# -gt 1 ]; then tail -n 40 "$2" | cut --bytes=1-200 | sed 's/^/        /'; fi
}

# check NAME COMMAND...: one line for what a command says; what it prints is shown where it fails.
check() {
  local name=$1
  shift
  if "$@" > "$scratch/output" 2>&1 < /dev/null; then passed "$name"; else failed "$name" "$scratch/output"; fi
}

finish() {
  [ "$failures" -eq 0 ] || exit 1
}
