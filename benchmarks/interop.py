"""Compares kindred's exports with the libraries that read them; see interop.sh.

usage: interop.py KINDRED RUN WORK_FOLDER
"""

import json
import pathlib
import sys

import faiss
import numpy as np
import safetensors.numpy

import interop_engines
import interop_indexes
import interop_interrupted
import interop_models
from interop_common import check, kindred

TOP = 10


def same_neighbours(ours, theirs, scores):
    """Whether two rankings agree but for neighbours whose scores are equal in float32.

    ours: ids; theirs: one more id than ours; scores: those of `theirs`.
    """
    tolerance = 1e-5 * max(1.0, float(np.abs(scores).max()))
    last = scores[len(ours) - 1]
    surely = {i for i, s in zip(theirs, scores) if abs(s - last) > tolerance}
    surely &= set(theirs[: len(ours)])
    near = {i for i, s in zip(theirs, scores) if abs(s - last) <= tolerance}
    return surely <= set(ours) <= surely | near and len(set(ours)) == len(ours)


def compare_search(command, index_path, query_path, what):
    """Our neighbours in an index file against those that faiss finds in it."""
    index = faiss.read_index(str(index_path))
    queries = np.load(query_path).astype(np.float32)
    count = min(TOP, index.ntotal)
    extra = min(count + 20, index.ntotal)  # so that ties across the last place are seen
    scores, ids = index.search(np.ascontiguousarray(queries), extra)
    printed = kindred(command, "search", index_path, "--query", query_path, "--top", count, "--json")
    ours = [[n["id"] for n in row] for row in json.loads(printed)["neighbors"]]
    check(len(ours) == len(queries), f"{what}: a row for each of {len(queries)} queries")
    differing = [
        q for q in range(len(queries))
        if len(ours[q]) != count or not same_neighbours(ours[q], ids[q].tolist(), scores[q])
    ]
    check(not differing, f"{what}: the same {count} neighbours among {index.ntotal} "
          f"(queries that differ: {differing[:5]})")


def vectors(command, work):
    """Vectors of our own, by both metrics; some of them equal, so that there are ties."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(50, 24))
    base = centers[random.integers(0, 50, 3000)] + 0.3 * random.normal(size=(3000, 24))
    base[100:120] = base[0]
    unit = base / np.linalg.norm(base, axis=1, keepdims=True)
    for name, rows, kind in (("unit", unit, faiss.METRIC_INNER_PRODUCT), ("raw", base, faiss.METRIC_L2)):
        path = work / f"{name}.npy"
        np.save(path, rows.astype(np.float32))
        query_path = work / f"{name}-query.npy"
        np.save(query_path, rows[:200].astype(np.float32))

        index_path = work / f"{name}.faiss"
        kindred(command, "export", path, "--format", "faiss-flat", "--out", index_path)
        index = faiss.read_index(str(index_path))
        check(index.metric_type == kind, f"{name}: the metric follows the rows' lengths")
        check(np.array_equal(index.reconstruct_n(0, index.ntotal), np.load(path)),
              f"{name}: faiss holds the same vectors")
        again = work / f"{name}-again.faiss"
        faiss.write_index(index, str(again))
        check(again.read_bytes() == index_path.read_bytes(),
              f"{name}: faiss writes the same bytes")
        compare_search(command, index_path, query_path, name)

        tensors_path = work / f"{name}.safetensors"
        kindred(command, "export", path, "--format", "safetensors", "--out", tensors_path)
        check(np.array_equal(safetensors.numpy.load_file(tensors_path)["embeddings"], np.load(path)),
              f"{name}: safetensors holds the same vectors")
        npy_path = work / f"{name}-exported.npy"
        kindred(command, "export", path, "--format", "npy", "--out", npy_path)
        check(np.array_equal(np.load(npy_path), np.load(path)), f"{name}: npy holds the same vectors")


def trained(command, run, work):
    """What a training run wrote."""
    tensors = safetensors.numpy.load_file(run / "model.safetensors")
    check(tensors and all(np.isfinite(t).all() for t in tensors.values()),
          f"model.safetensors: {len(tensors)} tensors, {sum(t.size for t in tensors.values())} numbers")
    index_path = work / "run.faiss"
    kindred(command, "export", run, "--format", "faiss-flat", "--out", index_path)
    index = faiss.read_index(str(index_path))
    query_path = work / "run-query.npy"
    np.save(query_path, index.reconstruct_n(0, min(100, index.ntotal)))
    compare_search(command, index_path, query_path, "run")


def main():
    command, run, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    vectors(command, work)
    trained(command, run, work)
    interop_indexes.compare(command, run, work)
    interop_engines.compare(command, run, work)
    interop_interrupted.compare(command, run, work)
    interop_models.compare(command, run, work)
    print("interop: all agree")


main()
