"""Indexes and vector files that kindred writes, opened by the engines; and theirs by kindred."""

import json

import faiss
import hnswlib
import numpy as np
import safetensors.numpy

from interop_common import check, kindred

TOP = 10


def exact(base, queries, inner):
    scores = queries @ base.T if inner else -((queries[:, None] - base[None]) ** 2).sum(2)
    return np.argsort(-scores, axis=1, kind="stable")[:, :TOP]


def recall(found, truth):
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(found, truth)])) / truth.shape[1]


def ours(command, index, queries, *options):
    printed = kindred(command, "search", index, "--query", queries, "--top", TOP, "--json", *options)
    return [[n["id"] for n in row] for row in json.loads(printed)["neighbors"]]


def graphs(command, base, queries, path, query_path, inner, work):
    """The graph that kindred built, searched by kindred, hnswlib and faiss."""
    space, truth = ("ip" if inner else "l2"), exact(base, queries, inner)
    own, theirs, flat = work / "graph.hnsw", work / "graph.bin", work / "graph.faiss"
    for name, target in (("hnsw", own), ("hnswlib", theirs), ("faiss-hnsw", flat)):
        kindred(command, "export", path, "--format", name, "--out", target)
    check(recall(ours(command, own, query_path), truth) > 0.99, f"{space}: our graph finds the nearest")
    index = hnswlib.Index(space, base.shape[1])
    index.load_index(str(theirs))
    index.set_ef(64)
    check(recall(index.knn_query(queries, TOP)[0], truth) > 0.99, f"{space}: hnswlib searches our graph")
    index.save_index(str(work / "again.bin"))
    check((work / "again.bin").read_bytes() == theirs.read_bytes(), f"{space}: hnswlib writes the same bytes")
    index = faiss.read_index(str(flat))
    check(recall(index.search(queries, TOP)[1], truth) > 0.99, f"{space}: faiss searches our graph")
    faiss.write_index(index, str(work / "again.faiss"))
    check((work / "again.faiss").read_bytes() == flat.read_bytes(), f"{space}: faiss writes the same bytes")

    index = hnswlib.Index(space, base.shape[1])
    index.init_index(len(base), M=12, ef_construction=100)
    index.add_items(base, np.arange(len(base)) * 2 + 5)
    index.set_ef(64)
    index.save_index(str(work / "made.bin"))
    found = ours(command, work / "made.bin", query_path, "--metric", "inner-product" if inner else "l2")
    check(recall(found, truth * 2 + 5) > 0.99, f"{space}: kindred searches a graph of hnswlib")
    index = faiss.IndexHNSWFlat(base.shape[1], 12, faiss.METRIC_INNER_PRODUCT if inner else faiss.METRIC_L2)
    index.add(base)
    faiss.write_index(index, str(work / "made.faiss"))
    check(recall(ours(command, work / "made.faiss", query_path), truth) > 0.99,
          f"{space}: kindred searches a graph of faiss")


def quantised(command, base, queries, path, query_path, inner, work):
    """Inverted lists, product and scalar quantisation: faiss and kindred find the same."""
    for name, parameters in (("faiss-ivf-flat", "{lists: 30, probes: 8}"), ("faiss-pq", "{parts: 8}"),
                             ("faiss-sq8", "{}")):
        target = work / f"{name}.faiss"
        kindred(command, "export", path, "--format", name, "--params", parameters, "--out", target)
        index = faiss.read_index(str(target))
        found = index.search(queries, TOP)[1]
        agreement = recall(ours(command, target, query_path, "--probes", 8), found)
        check(agreement > 0.99, f"{name}: kindred and faiss agree on {agreement:.4f}")
        faiss.write_index(index, str(work / "again.faiss"))
        check((work / "again.faiss").read_bytes() == target.read_bytes(), f"{name}: faiss writes the same bytes")
    metric = faiss.METRIC_INNER_PRODUCT if inner else faiss.METRIC_L2
    for made in (faiss.IndexIDMap(faiss.IndexFlat(base.shape[1], metric)),
                 faiss.index_factory(base.shape[1], "SQ8", metric),
                 faiss.index_factory(base.shape[1], "PQ8", metric),
                 faiss.index_factory(base.shape[1], "IVF20,Flat", metric)):
        made.train(base)
        if isinstance(made, faiss.IndexIDMap):
            made.add_with_ids(base, np.arange(len(base)) + 1000)
        else:
            made.add(base)
        if isinstance(made, faiss.IndexIVF):
            made.nprobe = 20
        faiss.write_index(made, str(work / "made.faiss"))
        found = ours(command, work / "made.faiss", query_path, "--probes", 20)
        check(recall(found, made.search(queries, TOP)[1]) > 0.98, f"kindred reads {type(made).__name__}")


def vector_files(command, base, path, work):
    target = {name: work / f"vectors.{name}" for name in ("npz", "fvecs", "fbin", "u8bin", "csv", "jsonl")}
    for name, file in target.items():
        kindred(command, "export", path, "--format", name, "--out", file)
        again = work / "again.npy"
        kindred(command, "export", file, "--format", "npy", "--out", again)
        if name != "u8bin":
            check(np.array_equal(np.load(again), base), f"{name}: read back the same")
    check(np.array_equal(np.load(target["npz"])["vectors"], base), "npz: numpy reads the same")
    rows = np.fromfile(target["fvecs"], dtype=np.int32).reshape(len(base), -1)
    check((rows[:, 0] == base.shape[1]).all() and np.array_equal(rows[:, 1:].view(np.float32), base),
          "fvecs: the layout")
    check(np.array_equal(np.fromfile(target["fbin"], dtype=np.float32, offset=8).reshape(base.shape), base),
          "fbin: the layout")
    codes = np.fromfile(target["u8bin"], dtype=np.uint8, offset=8).reshape(base.shape)
    ranges = safetensors.numpy.load_file(work / "vectors.ranges.safetensors")
    back = ranges["least"] + codes / 255 * ranges["ranges"]
    check((np.abs(back - base) <= ranges["ranges"] / 500).all(), "u8bin: the ranges turn bytes back")


def compare(command, work):
    random = np.random.default_rng(5)
    centers = random.normal(size=(40, 32))
    base = (centers[random.integers(0, 40, 3000)] + 0.5 * random.normal(size=(3000, 32))).astype(np.float32)
    for inner in (True, False):
        rows = base / np.linalg.norm(base, axis=1, keepdims=True) if inner else base
        queries = np.ascontiguousarray(rows[:100] + 0.01 * random.normal(size=(100, 32)).astype(np.float32))
        path, query_path = work / "base.npy", work / "query.npy"
        np.save(path, rows)
        np.save(query_path, queries)
        graphs(command, rows, queries, path, query_path, inner, work)
        quantised(command, rows, queries, path, query_path, inner, work)
    vector_files(command, rows, path, work)
