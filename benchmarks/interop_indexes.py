"""Indexes and vector files that kindred writes, opened by the engines; and theirs by kindred."""

import json

import faiss
import hnswlib
import numpy as np
import safetensors.numpy
import usearch.index

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


def composed(command, base, queries, path, query_path, inner, work):
    """Ids, transforms, reductions and exact vectors in one file: faiss finds what kindred finds."""
    ids = np.arange(len(base), dtype=np.int64) * 7 + 3
    np.save(work / "ids.npy", ids)
    exactly = exact(base, queries, inner)
    cases = [
        ("faiss-idmap", "{}", True), ("faiss-idmap2", "{}", True), ("faiss-transform", "{}", False),
        ("faiss-opq", "{parts: 8}", False),
        ("faiss-hnsw", "{reduction: 'pca', dimension: 16, refine: 8}", True),
        ("faiss-sq8", "{reduction: 'leanvec', dimension: 16}", False),
        ("faiss-ivf-flat", "{reduction: 'tldr', dimension: 16, lists: 20, probes: 20}", True),
        ("faiss-pq", "{reduction: 'leading', dimension: 16, parts: 8, refine: 20}", False),
    ]
    if inner:
        cases.append(("faiss-transform", "{reduction: 'leanvec-queries', dimension: 16}", True))
    for name, parameters, mapped in cases:
        target = work / f"composed-{name}.faiss"
        options = ["--ids", work / "ids.npy"] if mapped else []
        kindred(command, "export", path, "--format", name, "--params", parameters, "--out", target,
                "--queries", query_path, *options)
        index = faiss.read_index(str(target))
        found = index.search(queries, TOP)[1]
        agreement = recall(ours(command, target, query_path, "--probes", 20), found)
        truth = recall(found, exactly * 7 + 3 if mapped else exactly)
        check(agreement > 0.98, f"{name} {parameters}: kindred and faiss agree on {agreement:.4f}, "
              f"recall {truth:.3f}")
        check(truth > (0.95 if "refine" in parameters or name in ("faiss-idmap", "faiss-idmap2") else 0.3),
              f"{name}: faiss finds the nearest")
        faiss.write_index(index, str(work / "again.faiss"))
        check((work / "again.faiss").read_bytes() == target.read_bytes(), f"{name}: faiss writes the same bytes")
        if name == "faiss-idmap2":
            check(np.allclose(index.reconstruct(int(ids[5])), base[5]), "faiss-idmap2: found by its id")
    metric = faiss.METRIC_INNER_PRODUCT if inner else faiss.METRIC_L2
    for factory in ("PCA16,Flat", "PCAR16,SQ8", "OPQ8,PQ8", "L2norm,Flat", "RR16,Flat", "IDMap2,HNSW12"):
        made = faiss.index_factory(base.shape[1], factory, metric)
        if factory.startswith("OPQ"):
            faiss.downcast_VectorTransform(made.chain.at(0)).niter = 4
        made.train(base)
        if factory.startswith("IDMap"):
            made.add_with_ids(base, ids)
        else:
            made.add(base)
        faiss.write_index(made, str(work / "made.faiss"))
        found = ours(command, work / "made.faiss", query_path)
        least = 0.9 if factory.startswith("IDMap") else 0.98
        check(recall(found, made.search(queries, TOP)[1]) > least, f"kindred reads {factory} of faiss")


def usearch_files(command, base, queries, path, query_path, inner, work):
    """Our graph in USearch, and one of USearch in kindred."""
    space, truth, target = ("ip" if inner else "l2sq"), exact(base, queries, inner), work / "graph.usearch"
    kindred(command, "export", path, "--format", "usearch", "--out", target, "--ids", work / "ids.npy")
    index = usearch.index.Index.restore(str(target))
    check(len(index) == len(base) and index.ndim == base.shape[1], f"usearch {space}: opens")
    found = index.search(queries, TOP).keys
    check(recall(found, truth * 7 + 3) > 0.99, f"usearch {space}: searches our graph")
    view = usearch.index.Index.restore(str(target), view=True)
    check(recall(view.search(queries, TOP).keys, truth * 7 + 3) > 0.99, f"usearch {space}: mapped")
    check(recall(ours(command, target, query_path), truth * 7 + 3) > 0.99, f"usearch {space}: read back")
    for kind in (space, "cos"):
        made = usearch.index.Index(ndim=base.shape[1], metric=kind, dtype="f32")
        made.add(np.arange(len(base)), base)
        made.save(str(work / "made.usearch"))
        found = made.search(queries, TOP).keys
        check(recall(ours(command, work / "made.usearch", query_path), found) > 0.98,
              f"kindred searches a {kind} graph of usearch")


def adapter(command, run, work):
    """A run's linear model inside an index: faiss takes raw items and finds what their embeddings find."""
    items = np.random.default_rng(8).uniform(size=(50, 64)).astype(np.float32)
    np.save(work / "items.npy", items)
    kindred(command, "embed", run, "--input", work / "items.npy", "--out", work / "embedded.npy")
    embedded = np.load(work / "embedded.npy")
    for name in ("faiss-flat", "faiss-hnsw"):
        kindred(command, "export", run, "--format", name, "--out", work / "plain.faiss")
        kindred(command, "export", run, "--format", name, "--adapter", "--out", work / "adapter.faiss")
        plain = faiss.read_index(str(work / "plain.faiss")).search(embedded, TOP)[1]
        found = faiss.read_index(str(work / "adapter.faiss")).search(items, TOP)[1]
        check(recall(found, plain) > 0.99, f"{name}: the adapter travels inside the index")


def shards(command, base, path, work):
    """Four files that faiss puts together to the whole."""
    kindred(command, "export", path, "--format", "faiss-flat", "--out", work / "part.faiss", "--shards", 4)
    whole = faiss.IndexShards(base.shape[1], False, False)
    parts = [faiss.read_index(str(work / f"part-{i:05}-of-00004.faiss")) for i in range(1, 5)]
    for part in parts:
        whole.add_shard(part)
    check(whole.ntotal == len(base), "shards: nothing is missing")
    check((whole.search(base[::97], 1)[1][:, 0] == np.arange(len(base))[::97]).mean() > 0.9,
          "shards: ids go on from file to file")


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


def compare(command, run, work):
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
        composed(command, rows, queries, path, query_path, inner, work)
        usearch_files(command, rows, queries, path, query_path, inner, work)
    adapter(command, run, work)
    shards(command, rows, path, work)
    vector_files(command, rows, path, work)
