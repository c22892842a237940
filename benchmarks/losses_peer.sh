#!/bin/sh
# Shows that `kindred loss` computes what pytorch-metric-learning computes, on random data.
#
# usage: benchmarks/losses_peer.sh [--skip-if-offline] [--seed N] [--batches N]
#
# Makes a virtual environment of its own in benchmarks/losses.venv with torch and
# pytorch-metric-learning; with KINDRED_PEER_VENV set, uses the one that is there.
set -eu
cd "$(dirname "$0")/.."

skip=no
seed=0
batches=6
while [ $# -gt 0 ]; do
  case "$1" in
    --skip-if-offline) skip=yes ;;
    --seed) seed=$2; shift ;;
    --batches) batches=$2; shift ;;
    *) echo "losses_peer: unknown option $1" >&2; exit 64 ;;
  esac
  shift
done

environment=${KINDRED_PEER_VENV:-benchmarks/losses.venv}
if ! "$environment/bin/python" -c 'import torch, pytorch_metric_learning' 2>/dev/null; then
  python3 -m venv "$environment"
  if ! "$environment/bin/pip" install --quiet --disable-pip-version-check \
    --extra-index-url https://download.pytorch.org/whl/cpu \
    "torch==2.13.0+cpu" pytorch-metric-learning==2.9.0 numpy; then
    if [ "$skip" = yes ]; then
      echo "losses_peer: SKIPPED, because PyPI cannot be reached" >&2
      exit 0
    fi
    echo "losses_peer: torch and pytorch-metric-learning cannot be installed" >&2
    exit 74
  fi
fi

[ -n "${KINDRED:-}" ] || swift build -c release --product kindred
kindred=${KINDRED:-$(swift build -c release --show-bin-path)/kindred}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$environment/bin/python" benchmarks/losses_peer.py "$kindred" "$work" "$seed" "$batches"
