#!/usr/bin/env bash
# Runs tests and fuzzing under sanitizers; ends with 1 at the first report.
#
# address      memory out of bounds or after its end (Swift and C): readers, kernels, graphs
# undefined    undefined behaviour of the C kernels: numbers, shifts, alignment
# thread       races: threads, passes over distances, graphs, fuzzing on several threads
#
#     Scripts/sanitize.sh [address] [undefined] [thread]     all without an argument
#
# SANITIZE_INPUTS says how many inputs each reader gets (default 2000), SANITIZE_TESTS replaces the tests.
# Each sanitizer has a build folder of its own; a first build takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(address undefined thread)
inputs=${SANITIZE_INPUTS:-2000}

export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

for kind in "${kinds[@]}"; do
  case $kind in
    address) tests='FilesTests|IndexTests|AutodiffTests|DataTests' ;;
    undefined) tests='AutodiffTests|EvaluationTests' ;;
    thread) tests='ParallelTests|TileTests|TieTests|HNSWTests|GoldenTests' ;;
    *) echo "sanitize: '$kind'; expected address, undefined or thread" >&2; exit 64 ;;
  esac
  tests=${SANITIZE_TESTS:-$tests}
  options=(-c release --sanitize="$kind" --scratch-path ".build/sanitize-$kind")
  echo "== $kind: fuzzing, $inputs inputs for each reader"
  swift build "${options[@]}" --product kindred-fuzz
  ".build/sanitize-$kind/release/kindred-fuzz" --unlimited --seconds 600 --inputs "$inputs" --seed 3 \
    --out ".build/sanitize-$kind/finds"
  echo "== $kind: $tests"
  swift test "${options[@]}" --filter "$tests"
done
echo "== clean: ${kinds[*]}"
