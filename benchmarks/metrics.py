"""Compares `kindred evaluate` with pytorch-metric-learning, scikit-learn and faiss; see metrics.sh."""

import json
import subprocess
import sys
import warnings

import faiss
import numpy as np
import torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from scipy.stats import skew
from sklearn.metrics import (
    adjusted_mutual_info_score, average_precision_score, det_curve, matthews_corrcoef,
    ndcg_score, normalized_mutual_info_score, precision_recall_curve, roc_auc_score, roc_curve)
from sklearn.metrics.cluster import pair_confusion_matrix

warnings.filterwarnings("ignore")
kindred, work = sys.argv[1:]
tolerance = 1e-9
worst, checks, failed = 0.0, 0, 0
ids = {}


def check(peer, name, found, expected):
    global worst, checks, failed
    gap = abs(found - expected)
    worst, checks = max(worst, gap), checks + 1
    if not gap <= tolerance:
        failed += 1
    if not gap <= tolerance or name not in ids.setdefault(peer, set()):
        verdict = "same" if gap <= tolerance else "DIFFERENT"
        print(f"{verdict:9} {peer:23} {name:34} {found:.12f} {expected:.12f}")
    ids[peer].add(name)


def evaluate(*arguments, **arrays):
    """Runs kindred with arrays given as files."""
    options = list(arguments)
    for name, array in arrays.items():
        path = f"{work}/{name}.npy"
        np.save(path, array)
        options += ["--" + name.replace("_", "-"), path]
    done = subprocess.run(
        [kindred, "evaluate", *options, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def whole_rows(random, count, centres, labels):
    """Rows of small whole numbers: squared distances below 2^24, exact in every peer's float32."""
    return (centres[labels] + random.integers(-250, 251, (count, 6))).astype(np.float32)


def squares(a, b):
    return ((a[:, None].astype(np.float64) - b[None].astype(np.float64)) ** 2).sum(-1)


def without_ties(random, rows, others, is_self):
    """Whether every row's distances differ, so that all peers agree on the order."""
    table = squares(rows, others)
    if is_self:
        np.fill_diagonal(table, -1)
    return all(len(np.unique(line)) == len(line) for line in table)


def nearest(rows, others, is_self):
    """faiss's order of the neighbours, self left out."""
    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(others)
    _, found = index.search(rows, len(others))
    if not is_self:
        return found
    return np.stack([line[line != i] for i, line in enumerate(found)])


def compare_neighbours(random, seed, is_self):
    while True:
        labels = random.integers(0, 30, 240).astype(np.int64)
        centres = random.integers(-400, 401, (30, 6))
        rows = whole_rows(random, 240, centres, labels)
        if is_self:
            others, other_labels = rows, labels
        else:
            # Some classes have no match, some are only in the gallery.
            other_labels = random.integers(3, 30, 300).astype(np.int64)
            others = whole_rows(random, 300, centres, other_labels)
        if without_ties(random, rows, others, is_self):
            break
    clusters = random.integers(0, 30, 240).astype(np.int64)
    gallery = {} if is_self else {"gallery": others, "gallery_labels": other_labels}
    names = (
        "recall@1,recall@2,recall@5,precision@5,precision@10,r-precision,map@r,map,map@10,mrr,"
        "ndcg@10,ndcg@1000,cmc@5,minp,knn@5,macro-recall@1,macro-map@r,macro-r-precision,macro-map,"
        "nmi,ami,clustering-f1,hubness")
    found = evaluate(
        "--metrics", names, "--per-class", embeddings=rows, labels=labels, clusters=clusters,
        **gallery)
    kind = " (self)" if is_self else " (gallery)"

    def calculate(include=(), **settings):
        calculator = AccuracyCalculator(
            include=include or (
                "precision_at_1", "r_precision", "mean_average_precision",
                "mean_average_precision_at_r", "mean_reciprocal_rank", "NMI", "AMI"),
            kmeans_func=lambda *_: torch.tensor(clusters), device=torch.device("cpu"), **settings)
        arguments = () if is_self else (others, other_labels)
        return calculator.get_accuracy(rows, labels, *arguments)

    pairs = {
        "recall@1": "precision_at_1", "r-precision": "r_precision",
        "map@r": "mean_average_precision_at_r", "map": "mean_average_precision",
        "mrr": "mean_reciprocal_rank", "nmi": "NMI", "ami": "AMI"}
    peer = "pytorch-metric-learning"
    values = calculate()
    for ours, theirs in pairs.items():
        if ours != "mrr":
            check(peer, ours + kind, found[ours], values[theirs])
    # Its reciprocal rank is float32.
    assert abs(found["mrr"] - values["mean_reciprocal_rank"]) < 1e-6
    values = calculate(avg_of_avgs=True)
    for ours in ("recall@1", "r-precision", "map@r", "map"):
        check(peer, "macro-" + ours + kind, found["macro-" + ours], values[pairs[ours]])
    values = calculate(return_per_class=True)
    counts = {c: (other_labels == c).sum() - is_self for c in range(30)}
    present = [c for c in np.unique(labels) if counts[c] > 0]
    ours_by_class = {row["class"]: row for row in found["perClass"]}
    for ours in ("recall@1", "r-precision", "map@r", "map"):
        for place, label in enumerate(present):
            check(peer, f"{ours} per class" + kind, ours_by_class[label][ours],
                  values[pairs[ours]][place])
    # Its MAP with k = 10 divides by R, ours by min(R, 10).
    values = calculate(("mean_average_precision",), k=10, return_per_class=True)
    values = values["mean_average_precision"]
    for place, label in enumerate(present):
        check(peer, "map@10 per class, times R/min(R, 10)" + kind, ours_by_class[label]["map@10"],
              values[place] * counts[label] / min(counts[label], 10))

    order = nearest(rows, others, is_self)
    truth = other_labels[order] == labels[:, None]
    known = truth.any(1)
    for k in (1, 2, 5):
        check("faiss", f"recall@{k}" + kind, found[f"recall@{k}"], truth[known, :k].any(1).mean())
    check("faiss", "cmc@5" + kind, found["cmc@5"], truth[known, :5].any(1).mean())
    for k in (5, 10):
        check("faiss", f"precision@{k}" + kind, found[f"precision@{k}"], truth[known, :k].mean())
    last = truth.shape[1] - np.argmax(truth[known, ::-1], 1)
    check("faiss", "minp" + kind, found["minp"], (truth[known].sum(1) / last).mean())
    check("faiss", "mrr" + kind, found["mrr"], (1 / (np.argmax(truth[known], 1) + 1)).mean())
    hits = np.bincount(order[:, :10].ravel(), minlength=len(others))
    check("faiss", "hubness" + kind, found["hubness"], skew(hits))
    votes = other_labels[order[:, :5]]
    # The class with the most votes; scikit-learn gives ties to the least label, ours to the nearest.
    chosen = [max(line, key=lambda c: ((line == c).sum(), -np.argmax(line == c))) for line in votes]
    check("faiss", "knn@5" + kind, found["knn@5"], (np.array(chosen) == labels)[known].mean())

    distance = np.sqrt(squares(rows, others))
    use = ~np.eye(len(rows), dtype=bool) if is_self else np.ones_like(distance, dtype=bool)
    precision, gains = [], {10: [], 1000: []}
    for i in np.flatnonzero(known):
        target, score = other_labels[use[i]] == labels[i], -distance[i][use[i]]
        precision.append(average_precision_score(target, score))
        for k in gains:
            gains[k].append(ndcg_score([target.astype(int)], [score], k=k))
    check("scikit-learn", "map" + kind, found["map"], np.mean(precision))
    for k in gains:
        check("scikit-learn", f"ndcg@{k}" + kind, found[f"ndcg@{k}"], np.mean(gains[k]))
    check("scikit-learn", "nmi" + kind, found["nmi"],
          normalized_mutual_info_score(labels, clusters))
    check("scikit-learn", "ami" + kind, found["ami"], adjusted_mutual_info_score(labels, clusters))
    (_, false), (missed, both) = pair_confusion_matrix(labels, clusters)
    check("scikit-learn", "clustering-f1" + kind, found["clustering-f1"],
          2 * both / (2 * both + false + missed))


def compare_groups(random):
    """Same-camera exclusion, as Market-1501 is judged."""
    while True:
        labels, cameras = random.integers(0, 20, 200), random.integers(0, 3, 200)
        rows = whole_rows(random, 200, random.integers(-400, 401, (20, 6)), labels)
        if without_ties(random, rows, rows, True):
            break
    found = evaluate(
        "--metrics", "recall@1,cmc@5,map,minp,auc", embeddings=rows, labels=labels.astype(np.int64),
        exclude_groups=cameras.astype(np.int64))
    order = nearest(rows, rows, True)
    first, precision, penalty = [], [], []
    for i, line in enumerate(order):
        junk = (labels[line] == labels[i]) & (cameras[line] == cameras[i])
        target = labels[line[~junk]] == labels[i]
        if target.any():
            first.append(np.argmax(target))
            precision.append(average_precision_score(target, -np.arange(len(target))))
            penalty.append(target.sum() / (np.flatnonzero(target)[-1] + 1))
    first = np.array(first)
    check("faiss", "recall@1 across cameras", found["recall@1"], (first < 1).mean())
    check("faiss", "cmc@5 across cameras", found["cmc@5"], (first < 5).mean())
    check("scikit-learn", "map across cameras", found["map"], np.mean(precision))
    check("faiss", "minp across cameras", found["minp"], np.mean(penalty))
    same = labels[:, None] == labels[None]
    pairs = np.triu(~(same & (cameras[:, None] == cameras[None])), 1)
    check("scikit-learn", "auc across cameras", found["auc"],
          roc_auc_score(same[pairs], -squares(rows, rows)[pairs]))


def compare_pairs(random, rows, labels, kind):
    found = evaluate(embeddings=rows, labels=labels)
    distance = np.sqrt(squares(rows, rows))
    same = labels[:, None] == labels[None]
    upper = np.triu_indices(len(rows), 1)
    truth, score = same[upper], -distance[upper]
    peer = "scikit-learn"
    check(peer, "auc" + kind, found["auc"], roc_auc_score(truth, score))
    far, tpr, _ = roc_curve(truth, score, drop_intermediate=False)
    for power in range(1, 7):
        name = f"tpr@far=1e-{power}"
        if (~truth).sum() * 10.0**-power < 10:
            assert found[name] is None, name
            continue
        check(peer, name + kind, found[name], tpr[far <= 10.0**-power + 1e-15].max())
    step = np.argmax(far >= 1 - tpr)
    gaps = (far - (1 - tpr))[step - 1:step + 1]
    share = -gaps[0] / (gaps[1] - gaps[0])
    check(peer, "eer" + kind, found["eer"], far[step - 1] + share * (far[step] - far[step - 1]))
    accepted, missed, _ = det_curve(truth, score)
    assert min(np.maximum(accepted, missed)) >= found["eer"] - 1e-12
    precision, recall, _ = precision_recall_curve(truth, score)
    total = precision + recall
    f1 = np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1), 0)
    check(peer, "best-f1" + kind, found["best-f1"], f1.max())
    places = np.unique(score)
    places = places[:: max(1, len(places) // 400)]
    best = max(matthews_corrcoef(truth, score >= place) for place in places)
    assert best <= found["best-mcc"] + 1e-9
    many, few = truth.sum(), (~truth).sum()
    hit, false = tpr * many, far * few
    root = np.sqrt((hit + false) * many * few * (many + few - hit - false))
    value = np.where(root > 0, (hit * (few - false) - false * (many - hit))
                     / np.where(root > 0, root, 1), 0)
    check(peer, "best-mcc" + kind, found["best-mcc"], value.max())
    check("numpy", "intra-distance" + kind, found["intra-distance"], -score[truth].mean())
    check("numpy", "inter-distance" + kind, found["inter-distance"], -score[~truth].mean())

    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = (unit @ unit.T)[upper]
    check("numpy", "mean-cosine" + kind, found["mean-cosine"], cosine.mean())
    check("numpy", "uniformity" + kind, found["uniformity"],
          np.log(np.exp(-4 * (1 - cosine)).mean()))
    check("numpy", "alignment" + kind, found["alignment"], (2 - 2 * cosine[truth]).mean())
    values = np.linalg.svd(rows, compute_uv=False)
    share = values / values.sum()
    check("numpy", "effective-rank" + kind, found["effective-rank"],
          np.exp(-(share * np.log(share)).sum()))
    limits = np.quantile(-score[~truth], [0.01, 0.1])
    curves = []
    for label in np.unique(labels):
        own = labels == label
        if own.sum() < 2:
            continue
        inside = distance[np.ix_(own, own)][np.triu_indices(own.sum(), 1)]
        outside = distance[np.ix_(own, ~own)].ravel()
        curve = []
        for t in np.linspace(*limits, 101):
            sensitivity, specificity = (inside <= t).mean(), (outside > t).mean()
            total = sensitivity + specificity
            curve.append(2 * sensitivity * specificity / total if total > 0 else 0)
        curves.append(curve)
    check("numpy", "opis" + kind, found["opis"], np.var(curves, axis=0).mean())


def compare_grades(random):
    rows = random.normal(size=(150, 8))
    fine = random.integers(0, 24, 150)
    levels = np.stack([fine, fine // 4], 1).astype(np.int64)
    sets = (random.random((150, 7)) < 0.3).astype(np.int64)
    distance = np.sqrt(squares(rows, rows))
    for kind, table in (("levels", levels), ("sets", sets)):
        found = evaluate("--relevance", kind, embeddings=rows, labels=table)
        if kind == "levels":
            grade = ((table[:, None, 1] == table[None, :, 1]) * 0.5
                     + (table[:, None, 0] == table[None, :, 0]) * 0.5)
        else:
            both = (table[:, None] & table[None]).sum(-1)
            either = (table[:, None] | table[None]).sum(-1)
            grade = both / np.maximum(either, 1)
        gain, short, precision = [], [], []
        for i in range(len(rows)):
            use = np.arange(len(rows)) != i
            target, score = grade[i][use], -distance[i][use]
            if target.any():
                gain.append(ndcg_score([target], [score]))
                short.append(ndcg_score([target], [score], k=10))
                precision.append(average_precision_score(target > 0, score))
        check("scikit-learn", f"ndcg, {kind}", found["ndcg"], np.mean(gain))
        check("scikit-learn", f"ndcg@10, {kind}", found["ndcg@10"], np.mean(short))
        check("scikit-learn", f"map, {kind}", found["map"], np.mean(precision))


for seed in range(3):
    random = np.random.default_rng(seed)
    compare_neighbours(random, seed, is_self=True)
    compare_neighbours(random, seed, is_self=False)
    compare_groups(random)
    labels = np.sort(random.integers(0, 40, 400)).astype(np.int64)
    rows = random.normal(size=(40, 12))[labels] + 0.9 * random.normal(size=(400, 12))
    compare_pairs(random, rows, labels, "")
    # Few different distances: nearly every pair ties with others.
    compare_pairs(random, random.integers(1, 4, (200, 5)).astype(np.float64), labels[:200] // 2,
                  " (ties)")
    compare_grades(random)

print(f"{checks} comparisons, {failed} differ; largest difference: {worst:.1e}")
sys.exit(0 if failed == 0 else 1)
