# Made once with the program of commit 0cab518 (KINDRED=path of its release build): indexes and files of
# vectors of every kind that `kindred search` opens, and what it found in each. Never to be made anew:
# they show that what earlier programs wrote still opens.
import json, os, subprocess, numpy as np
K = os.environ["KINDRED"]
rng = np.random.default_rng(18)
def unit(x): return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
np.save("rows.npy", unit(rng.normal(size=(40, 6))))
np.save("many.npy", unit(rng.normal(size=(260, 4))))
np.save("whole.npy", rng.integers(0, 9, size=(20, 5)).astype(np.float32))
np.save("ids.npy", (1000 + 3 * np.arange(40)).astype(np.int64))
np.save("labels.npy", (np.arange(40) % 8).astype(np.int64))
run = lambda *a: subprocess.run([K, *a], check=True, capture_output=True, text=True).stdout
made = {}
def export(name, source, fmt, ext, *more):
    run("export", source, "--format", fmt, "--out", f"{name}.{ext}", *more)
    found = json.loads(run("search", f"{name}.{ext}", "--query", source, "--top", "3", "--json"))
    made[f"{name}.{ext}"] = {"queries": source, "metric": found["metric"],
        "ids": [[n["id"] for n in row] for row in found["neighbors"]]}
graph = '{links: 4, efConstruction: 40}'
for fmt, ext in [("npy", "npy"), ("safetensors", "safetensors"), ("faiss-flat", "faiss"),
                 ("faiss-idmap", "faiss"), ("faiss-idmap2", "faiss"), ("faiss-transform", "faiss"), ("faiss-sq8", "faiss"),
                 ("npz", "npz"), ("fvecs", "fvecs"), ("fbin", "fbin"), ("csv", "csv"), ("jsonl", "jsonl"), ("projector", "tsv"),
                 ("int8", "safetensors"), ("uint8", "safetensors"), ("binary", "safetensors")]:
    export(fmt, "rows.npy", fmt, ext)
for fmt, ext in [("hnsw", "hnsw"), ("hnswlib", "bin"), ("usearch", "usearch"), ("faiss-hnsw", "faiss")]:
    export(fmt, "rows.npy", fmt, ext, "--params", graph)
export("hnsw-l2", "rows.npy", "hnsw", "hnsw", "--params", graph, "--metric", "l2")
export("hnswlib-ids", "rows.npy", "hnswlib", "bin", "--params", graph, "--ids", "ids.npy")
export("faiss-ivf-flat", "rows.npy", "faiss-ivf-flat", "faiss", "--params", "{lists: 4, probes: 4}")
export("ivecs", "whole.npy", "ivecs", "ivecs")
export("bvecs", "rows.npy", "bvecs", "bvecs")
export("u8bin", "rows.npy", "u8bin", "u8bin")
export("faiss-pq", "many.npy", "faiss-pq", "faiss", "--params", "{parts: 2}")
export("faiss-opq", "many.npy", "faiss-opq", "faiss", "--params", "{parts: 2}")
export("nested", "rows.npy", "faiss-hnsw", "faiss", "--ids", "ids.npy", "--params",
       "{links: 4, reduction: 'pca', dimension: 3, refine: 4}")
np.save("gone.npy", np.arange(0, 40, 2))
run("index", "hnsw.hnsw", "--delete", "gone.npy", "--out", "hnsw-deleted.hnsw")
found = json.loads(run("search", "hnsw-deleted.hnsw", "--query", "rows.npy", "--top", "3", "--json"))
made["hnsw-deleted.hnsw"] = {"queries": "rows.npy", "metric": found["metric"], "ids": [[n["id"] for n in r] for r in found["neighbors"]]}
os.remove("gone.npy"); os.remove("ids.npy"); os.remove("labels.npy")
json.dump(made, open("found.json", "w"), indent=0)
