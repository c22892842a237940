#!/usr/bin/env bash
# How the house stands: files in the root of each target, circles of files inside a target, largest files.
#
# A file leads to another of its target when it names a type that is declared at the top level there
# (comments and texts do not count). Files that lead to each other, by whatever way, are a circle.
# X+Y.swift belongs to X.swift: a type and its own parts are one.
#
#     Scripts/structure.sh [--limit N]     ends with 1 if a target's root holds more than N files
set -euo pipefail
cd "$(dirname "$0")/.."
limit=0
[ "${1:-}" = --limit ] && limit=$2

status=0
echo "target            root   all   lines"
for target in Sources/*/; do
  name=$(basename "$target")
  root=$(find "$target" -maxdepth 1 -type f \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) | wc -l)
  all=$(find "$target" -type f \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) | wc -l)
  lines=$(find "$target" -type f \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) -exec cat {} + | wc -l)
  printf '%-16s %5d %5d %7d\n' "$name" "$root" "$all" "$lines"
  if [ "$limit" -gt 0 ] && [ "$root" -gt "$limit" ]; then
    echo "  $name: $root files in its root, at most $limit are read in ten minutes" >&2
    status=1
  fi
done

echo
echo "circles"
for target in Sources/*/; do
  find "$target" -name '*.swift' | sort > "${TMPDIR:-/tmp}/structure.$$"
  xargs -a "${TMPDIR:-/tmp}/structure.$$" awk -v target="$(basename "$target")" '
    # The file that a file belongs to.
    function home(path) { sub(/.*\//, "", path); sub(/\.swift$/, "", path); sub(/\+.*/, "", path); return path }
    FNR == 1 { file = home(FILENAME); if (!(file in number)) { number[file] = ++count; names[count] = file } }
    { sub(/\/\/.*/, ""); gsub(/"([^"\\]|\\.)*"/, "") }
    match($0, /^(@[A-Za-z()]+ )*((public|package|internal|final|indirect) )*(struct|class|enum|protocol|actor|typealias) [A-Za-z0-9_]+/) {
      declaration = substr($0, RSTART, RLENGTH); sub(/.* /, "", declaration)
      if (!(declaration in owner)) owner[declaration] = number[file]
    }
    {
      line = $0
      while (match(line, /[A-Z][A-Za-z0-9_]*/)) {
        used[number[file] SUBSEP substr(line, RSTART, RLENGTH)] = 1
        line = substr(line, RSTART + RLENGTH)
      }
    }
    END {
      for (key in used) {
        split(key, part, SUBSEP)
        if (part[2] in owner && owner[part[2]] != part[1]) leads[part[1], owner[part[2]]] = 1
      }
      for (k = 1; k <= count; k++)
        for (i = 1; i <= count; i++) if (leads[i, k])
          for (j = 1; j <= count; j++) if (leads[k, j]) leads[i, j] = 1
      for (i = 1; i <= count; i++) {
        if (seen[i] || !leads[i, i]) continue
        circle = names[i]; size = 1
        for (j = i + 1; j <= count; j++) if (leads[i, j] && leads[j, i]) { circle = circle " " names[j]; seen[j] = 1; size++ }
        if (size > 1) printf "%-16s %3d: %s\n", target, size, circle
      }
    }'
done
rm -f "${TMPDIR:-/tmp}/structure.$$"

echo
echo "largest files"
find Sources -name '*.swift' -not -path '*/Digits/DigitImages.swift' -exec wc -l {} + | grep -v ' total$' | sort -rn | head -10
exit "$status"
