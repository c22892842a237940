#!/usr/bin/env bash
# Does the quick start keep its promise? Trains it with five seeds and compares each with the raw input, on
# classes never seen: recall@1 higher, MAP@R at least 10 % higher, OPIS at least 25 % lower, in 30 seconds.
# Another recipe, other seeds and more options of kindred train may be given:
#
#   benchmarks/quickstart.sh [RECIPE [SEEDS [OPTION ...]]]       e.g. recipes/quickstart.json5 "0 1 2 3 4"
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
recipe=${1:-$root/recipes/quickstart.json5}
seeds=${2:-0 1 2 3 4}
shift $(($# < 2 ? $# : 2))
kindred=${KINDRED:-$root/.build/release/kindred}
[ -x "$kindred" ] || { echo "no $kindred; build it with: swift build -c release" >&2; exit 66; }
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# A number of a part (baseline or trained) of evaluation.json.
value() { sed -n "/\"$2\": {/,/^  }/s/^    \"$3\": \([0-9.e-]*\),*\$/\1/p" "$1/evaluation.json" | head -1; }

missed=0
printf '%-6s %-20s %-20s %-22s %s\n' seed recall@1 MAP@R OPIS seconds
for seed in $seeds; do
  run=$runs/$seed
  start=$(date +%s.%N)
  "$kindred" train "$recipe" --out "$run" --seed "$seed" --json "$@" > "$run.log" 2>&1 || {
    cat "$run.log" >&2
    missed=1
    continue
  }
  seconds=$(echo "$(date +%s.%N) $start" | awk '{ printf "%.1f", $1 - $2 }')
  line=$(for name in recall@1 map@r opis; do
    echo "$(value "$run" baseline "$name") $(value "$run" trained "$name")"
  done | tr '\n' ' ')
  echo "$seed $line $seconds" | awk '{
    printf "%-6s %.4f -> %.4f     %.4f -> %.4f     %.5f -> %.5f     %s", $1, $2, $3, $4, $5, $6, $7, $8
    ok = NF == 8 && $3 > $2 && $5 >= 1.1 * $4 && $7 <= 0.75 * $6 && $8 < 30
    print ok ? "" : "   MISSED"
    exit !ok
  }' || missed=1
done
exit $missed
