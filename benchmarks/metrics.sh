#!/bin/sh
# Shows that kindred's metrics are those of scikit-learn, on random data.
#
# usage: benchmarks/metrics.sh [--skip-if-offline]
#
# Makes a virtual environment of its own in benchmarks/metrics.venv with numpy and scikit-learn.
set -eu
cd "$(dirname "$0")/.."

skip=no
for argument in "$@"; do
  case "$argument" in
    --skip-if-offline) skip=yes ;;
    *) echo "metrics: unknown option $argument" >&2; exit 64 ;;
  esac
done

environment=benchmarks/metrics.venv
if ! "$environment/bin/python" -c 'import numpy, sklearn' 2>/dev/null; then
  python3 -m venv "$environment"
  if ! "$environment/bin/pip" install --quiet --disable-pip-version-check numpy scikit-learn; then
    if [ "$skip" = yes ]; then
      echo "metrics: SKIPPED, because PyPI cannot be reached" >&2
      exit 0
    fi
    echo "metrics: scikit-learn cannot be installed from PyPI" >&2
    exit 74
  fi
fi

swift build -c release --product kindred
kindred=$(swift build -c release --show-bin-path)/kindred
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$environment/bin/python" benchmarks/metrics.py "$kindred" "$work"
