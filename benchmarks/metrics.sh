#!/bin/sh
# Shows that kindred's metrics are those of pytorch-metric-learning, scikit-learn and faiss, on random
# data to 1e-9.
#
# usage: benchmarks/metrics.sh [--skip-if-offline]
#
# Makes a virtual environment of its own in benchmarks/metrics.venv with the peers (about 1 GB, for
# torch); with KINDRED_PEER_VENV set, uses the one that is there. KINDRED=PROGRAM compares a program
# that is built already.
set -eu
cd "$(dirname "$0")/.."

case "$*" in
  "") skip=no ;;
  --skip-if-offline) skip=yes ;;
  *) echo "metrics: unknown options $*" >&2; exit 64 ;;
esac

environment=${KINDRED_PEER_VENV:-benchmarks/metrics.venv}
imports='import faiss, numpy, scipy, sklearn, torch, pytorch_metric_learning'
if ! "$environment/bin/python" -c "$imports" 2>/dev/null; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check \
    --extra-index-url https://download.pytorch.org/whl/cpu "torch==2.13.0+cpu" \
    pytorch-metric-learning==2.9.0 faiss-cpu scikit-learn scipy numpy || {
    [ "$skip" = yes ] || { echo "metrics: the peers cannot be installed" >&2; exit 74; }
    echo "metrics: SKIPPED, because PyPI cannot be reached" >&2
    exit 0
  }
fi

[ -n "${KINDRED:-}" ] || swift build -c release --product kindred
kindred=${KINDRED:-$(swift build -c release --show-bin-path)/kindred}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$environment/bin/python" benchmarks/metrics.py "$kindred" "$work"
