#!/usr/bin/env bash
# Follows Documentation/AddingALoss.md word for word in a copy of the tree: the file, the line and
# the golden row are cut out of the page. Then checks that the new loss is everywhere by itself.
#
# usage: Tests/adding-a-loss.sh [--tests]
#
# Builds the whole copy (minutes, so .ci/run does not call it); --tests runs the losses' tests too.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=no
for argument in "$@"; do
  case $argument in
    --tests) tests=yes ;;
    *) echo "adding-a-loss: unknown option $argument" >&2; exit 64 ;;
  esac
done

fail() { echo "adding-a-loss: $*" >&2; exit 1; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
page=$copy/Documentation/AddingALoss.md

# The n-th block of Swift of the page, without its indentation.
block() {
  awk -v wanted="$1" '
    /^ *```swift$/ { match($0, /^ */); indent = RLENGTH; inside = 1; count++; next }
    /^ *```$/ { inside = 0 }
    inside && count == wanted { print substr($0, indent + 1) }
  ' "$page"
}

echo "== the file"
file=$(grep -o 'Sources/Losses/[A-Za-z/]*Loss\.swift' "$page" | head -1)
[ -n "$file" ] && [ ! -e "$copy/$file" ] || fail "the page names no new file"
block 1 > "$copy/$file"
lines=$(wc -l < "$copy/$file")
[ "$lines" -lt 60 ] || fail "$file has $lines lines, not under 60"
line=$(block 2)
name=$(sed -n 's/^Named("\([a-z-]*\)".*/\1/p' <<< "$line")
[ -n "$name" ] || fail "the second block is no line of a registry: $line"

echo "== the line, for '$name'"
registry=$copy/Sources/Losses/AllLosses.swift
awk -v line="$line" -v name="$name" '
  match($0, /^  Named\("[a-z0-9-]*"/) && !done {
    other = substr($0, 10, RLENGTH - 10)
    if (other > name) { print "  " line; done = 1 }
  }
  /^]/ && !done { print "  " line; done = 1 }
  { print }
' "$registry" > "$copy/registry" && mv "$copy/registry" "$registry"
grep -qF "$line" "$registry" || fail "the line is not in the registry"

echo "== the golden row"
rows=$copy/Tests/LossesTests/ComposedTests.swift
block 3 > "$copy/row"
grep -q "ComposedLoss(\"$name\")" "$copy/row" || fail "the third block is no golden row"
sed -i "/static let all: \[ComposedLoss\] = \[/r $copy/row" "$rows"
rm "$copy/row"

echo "== build"
cd "$copy"
swift build --product kindred 2>&1 | grep -E 'error|warning|Compiling|complete' | tail -3
kindred=$copy/.build/debug/kindred

echo "== lists, loss, gradients, recipe, benchmark"
"$kindred" list losses --json | grep -q "\"name\":\"$name\"\|\"name\": \"$name\"" \
  || fail "kindred list losses does not have it"
"$kindred" gradcheck "$name" | tail -1
"$kindred" train recipes/quickstart.json5 --out "$copy/run" --set "losses=[{name:'$name'}]" \
  --set training.steps=2 --set training.evaluateEvery=2 --set training.report=false --set 'targets={}' > /dev/null
grep -q "\"$name\"" "$copy/run/recipe.json5" || fail "the run's recipe does not have it"
"$kindred" bench losses --only "$name" --batch 64 --repeat 2 --json | grep -q "$name, batch 64" \
  || fail "kindred bench losses does not have it"

if [ "$tests" = yes ]; then
  echo "== the catalogue and the tests of the losses"
  KINDRED_WRITE_DOCUMENTATION=1 swift test --filter IsUpToDate > /dev/null
  grep -q "^## $name$" Documentation/Losses.md || fail "Documentation/Losses.md does not have it"
  grep -q "^| .$name. " Documentation/EdgeCases.md || fail "Documentation/EdgeCases.md does not have it"
  swift test --filter LossesTests 2>&1 | tail -1
fi
echo "adding-a-loss: '$name' is everywhere, in $lines lines, 1 line and 1 row"
