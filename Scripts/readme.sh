#!/usr/bin/env bash
# Runs the commands of README.md as they are printed, in their order, each once, where nothing else lies:
# in a folder that sees the repository's files through links. The tests (swift test) are left to .ci/run.
#
#   Scripts/readme.sh [--work FOLDER] [--library] [README]
#
# With --work the folder is kept, and the runs lie in FOLDER/clone/runs. With --library the Swift of "As a
# library" is built and run too, as a package of its own. KINDRED=PROGRAM takes a program that is built.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
library=false
work=
while [ $# -gt 0 ]; do
  case "$1" in
  --library) library=true ;;
  --work) work=$2; shift ;;
  *) break ;;
  esac
  shift
done
readme=${1:-$root/README.md}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/clone"
for entry in "$root"/*; do ln -s "$entry" "$work/clone/"; done
if [ -n "${KINDRED:-}" ]; then
  mkdir -p "$work/clone/.build/release"
  ln -s "$(realpath "$KINDRED")" "$work/clone/.build/release/kindred"
else
  ln -s "$root/.build" "$work/clone/"
fi
# What runs leave behind must not come from earlier runs, nor stay.
rm -f "$work/clone/runs" "$work/clone/data"
cd "$work/clone"

# The package lies in the clone; what it is asked to do happens here.
swift() {
  case "$1" in
  test) echo "(left to .ci/run)" ;;
  run)
    shift
    if [ -n "${KINDRED:-}" ]; then
      "$KINDRED" "${@:4}"
    else
      command swift run --package-path "$root" "$@"
    fi
    ;;
  *) command swift "$@" ;;
  esac
}

commands=$(awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$readme")
[ -n "$commands" ] || { echo "$readme: there are no commands" >&2; exit 65; }
count=0
while IFS= read -r line; do
  [ -n "$line" ] || continue
  echo "\$ $line"
  start=$SECONDS
  if ! eval "$line" > "$work/output" 2>&1 < /dev/null; then
    cat "$work/output" >&2
    echo "README: this command failed: $line" >&2
    exit 1
  fi
  tail -n 4 "$work/output" | cut -c 1-160 | sed 's/^/    /'
  echo "    ($((SECONDS - start)) s)"
  count=$((count + 1))
done <<< "$commands"
echo "README: $count commands ran"

if $library; then
  mkdir -p "$work/Mine/Sources/Mine"
  ln -s "$root" "$work/kindred"
  awk -v out="$work/Mine" '
    /^```swift$/ { file = out (blocks++ ? "/Sources/Mine/main.swift" : "/Package.swift"); next }
    /^```/ { file = "" } file { print > file }' "$readme"
  command swift run -c release --package-path "$work/Mine" Mine
fi
