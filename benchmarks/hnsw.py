"""Building and searching a graph: kindred beside hnswlib on the same vectors, in one run.

usage: benchmarks/.venv/bin/python benchmarks/hnsw.py KINDRED [COUNT] [DIMENSION] [THREADS] [ROUNDS]

benchmarks/interop.sh makes the environment. The vectors lie on a curved 16-dimensional surface in
64 clusters, scaled to unit length; both sides get equal M, efConstruction and ef. They build and
search in turn; times are medians of the repeats of a round, and then of the rounds.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import hnswlib
import numpy as np

LINKS, CONSTRUCTION, TOP, REPEATS = 16, 200, 10, 7


def data(count, dimension, queries=2000):
    random = np.random.default_rng(0)
    centers = random.normal(size=(64, 16))
    maps = [random.normal(size=(16, 2 * dimension)), random.normal(size=(2 * dimension, dimension))]
    points = centers[random.integers(0, 64, count + queries)]
    points = points + 0.6 * random.normal(size=points.shape)
    rows = np.tanh(points @ maps[0] / 4) @ maps[1]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return rows[:count], rows[count:]


def theirs(base, queries, threads):
    index = hnswlib.Index("ip", base.shape[1])
    index.init_index(len(base), M=LINKS, ef_construction=CONSTRUCTION, random_seed=1)
    index.set_num_threads(threads)
    start = time.perf_counter()
    index.add_items(base)
    building = time.perf_counter() - start
    truth = np.argpartition(-(queries @ base.T), TOP, axis=1)[:, :TOP]
    rows = []
    for ef in (10, 20, 40, 80, 160, 320):
        index.set_ef(ef)
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            ids, _ = index.knn_query(queries, k=TOP)
            times.append(time.perf_counter() - start)
        recall = np.mean([len(set(a) & set(b)) for a, b in zip(ids, truth)]) / TOP
        rows.append({"ef": ef, "recall@10": float(recall), "queriesPerSecond": len(queries) / statistics.median(times)})
    return {"buildSeconds": building, "searches": rows}


def main():
    command, given = sys.argv[1], [int(a) for a in sys.argv[2:]]
    count, dimension, threads, rounds = given + [100_000, 128, 2, 5][len(given):]
    base, queries = data(count, dimension)
    ours, hnsw = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        np.save(work / "E.npy", base)
        np.save(work / "Q.npy", queries)
        for _ in range(rounds):
            done = subprocess.run(
                [command, "bench", "graph", "--embeddings", work / "E.npy", "--queries", work / "Q.npy",
                 "--params", json.dumps({"links": LINKS, "efConstruction": CONSTRUCTION}), "--repeat", str(REPEATS),
                 "--threads", str(threads), "--json"], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(done.stderr)
            ours.append(json.loads(done.stdout))
            hnsw.append(theirs(base, queries, threads))

    def middle(value):
        """Ours, theirs, and ours by theirs within a round."""
        pairs = [(value(a), value(b)) for a, b in zip(ours, hnsw)]
        return [statistics.median(side) for side in zip(*pairs)] + [statistics.median(a / b for a, b in pairs)]

    print(f"{count} x {dimension}, M {LINKS}, efConstruction {CONSTRUCTION}, {threads} threads, {rounds} rounds")
    print("build: kindred {:.2f} s, hnswlib {:.2f} s, {:.2f} of it".format(*middle(lambda run: run["buildSeconds"])))
    print("ef    recall@10 kindred  hnswlib   queries/s kindred  hnswlib  ratio")
    for i, a in enumerate(ours[0]["searches"]):
        fast = middle(lambda run: run["searches"][i]["queriesPerSecond"])
        print(f"{a['ef']:<5} {a['recall@10']:17.4f} {hnsw[0]['searches'][i]['recall@10']:8.4f} "
              f"{fast[0]:19.0f} {fast[1]:8.0f} {fast[2]:6.2f}")


main()
