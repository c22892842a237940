"""Compares `kindred evaluate` with scikit-learn; see metrics.sh."""

import json
import subprocess
import sys

import numpy as np
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score, roc_curve

kindred, work = sys.argv[1:]
tolerance = 1e-9
worst = 0.0


def check(name, found, expected):
    global worst
    gap = abs(found - expected)
    worst = max(worst, gap)
    print(f"{'same' if gap <= tolerance else 'DIFFERENT':9} {name:14} {found:.12f} {expected:.12f}")


for seed in range(3):
    random = np.random.default_rng(seed)
    labels = np.sort(random.integers(0, 40, 400)).astype(np.int64)
    rows = random.normal(size=(40, 12))[labels] + 0.9 * random.normal(size=(400, 12))
    np.save(f"{work}/e.npy", rows)
    np.save(f"{work}/y.npy", labels)
    text = subprocess.run(
        [kindred, "evaluate", "--embeddings", f"{work}/e.npy", "--labels", f"{work}/y.npy",
         "--json"], check=True, capture_output=True, text=True).stdout
    found = json.loads(text)

    distance = np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(-1))
    same = labels[:, None] == labels[None]
    upper = np.triu_indices(len(rows), 1)
    check("auc", found["auc"], roc_auc_score(same[upper], -distance[upper]))
    far, tpr, _ = roc_curve(same[upper], -distance[upper], drop_intermediate=False)
    negatives = (~same[upper]).sum()
    for power in range(1, 7):
        name = f"tpr@far=1e-{power}"
        if negatives * 10.0**-power < 10:
            assert found[name] is None, name
            continue
        check(name, found[name], tpr[far <= 10.0**-power + 1e-15].max())

    other = ~np.eye(len(rows), dtype=bool)
    precision, gain = [], []
    for i in range(len(rows)):
        truth, score = same[i][other[i]], -distance[i][other[i]]
        if truth.any():
            precision.append(average_precision_score(truth, score))
            gain.append(ndcg_score([truth.astype(int)], [score], k=10))
    check("map", found["map"], np.mean(precision))
    check("ndcg@10", found["ndcg@10"], np.mean(gain))

    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = (unit @ unit.T)[upper]
    check("mean-cosine", found["mean-cosine"], cosine.mean())
    check("uniformity", found["uniformity"], np.log(np.exp(-4 * (1 - cosine)).mean()))
    check("alignment", found["alignment"], (2 - 2 * cosine[same[upper]]).mean())
    values = np.linalg.svd(rows, compute_uv=False)
    share = values / values.sum()
    check("effective-rank", found["effective-rank"], np.exp(-(share * np.log(share)).sum()))

print(f"largest difference: {worst:.1e}")
sys.exit(0 if worst <= tolerance else 1)
