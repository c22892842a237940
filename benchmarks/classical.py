"""Compares `kindred learn` with metric-learn 0.7: objective, accuracy of neighbours, time.

usage: python3 benchmarks/classical.py [--only PATTERN] [--rounds N] [--json OUT.json] [--markdown OUT.md]

Makes a virtual environment of its own in benchmarks/classical.venv (metric-learn 0.7.0 runs unchanged
with scikit-learn 1.4.2 and numpy below 2) and takes $KINDRED or the release build. Data are
scikit-learn's: iris, wine and digits (4 x 4 pixels of 210 digits), columns standardised, rows i with
i % 3 == 2 kept for judging. Both sides get the same rows and, where a learner takes constraints, the same
ones. Times are of learning alone, medians over ROUNDS; a row's score is ours against the library's.
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE / "classical.venv"
KINDRED = os.environ.get("KINDRED") or HERE.parent / ".build" / "release" / "kindred"
PACKAGES = ["metric-learn==0.7.0", "scikit-learn==1.4.2", "numpy<2", "scipy<1.14"]


def inside_own_environment():
    """Starts this script anew in its environment, which is made if it is not there."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)


def datasets():
    import numpy as np
    from sklearn.datasets import load_digits, load_iris, load_wine
    for name, load in (("iris", load_iris), ("wine", load_wine), ("digits", load_digits)):
        x, y = load(return_X_y=True)
        if name == "digits":
            keep = np.flatnonzero(y < 6)[:210]
            x = x[keep].reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
            y = y[keep]
        x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
        test = np.arange(len(x)) % 3 == 2
        yield name, x, y.astype(np.int64), test


def accuracy(L, x, y, test, k=3):
    """The share of test rows that their k nearest training rows classify rightly."""
    import numpy as np
    e = x @ L.T
    right = 0
    for row, label in zip(e[test], y[test]):
        near = y[~test][np.argsort(((e[~test] - row) ** 2).sum(1), kind="stable")[:k]].tolist()
        most = max(map(near.count, near))
        right += next(l for l in near if near.count(l) == most) == label
    return right / test.sum()


def constraints(x, y, seed=0):
    """60 pairs of each kind, 80 quadruplets of them, chunks of 3 rows, triplets of near rows."""
    import numpy as np
    r = np.random.RandomState(seed)
    def pairs(same):
        out = set()
        while len(out) < 60:
            a, b = sorted(r.randint(len(y), size=2).tolist())
            if a < b and (y[a] == y[b]) == same:
                out.add((a, b))
        return np.array(sorted(out))
    alike, unlike = pairs(True), pairs(False)
    chunks = np.full(len(y), -1)
    c = 0
    for label in np.unique(y):
        members = r.permutation(np.flatnonzero(y == label))
        for start in range(0, len(members) - 2, 3):
            chunks[members[start:start + 3]] = c
            c += 1
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    np.fill_diagonal(d, np.inf)
    triplets = []
    for i in range(len(x)):
        order = np.argsort(d[i], kind="stable")
        own = [j for j in order if y[j] == y[i] and j != i][:2]
        far = [j for j in order if y[j] != y[i]][:3]
        triplets += [(i, j, l) for j in own for l in far]
    return dict(
        pairs=np.vstack([alike, unlike]), signs=np.r_[np.ones(60, int), -np.ones(60, int)],
        quadruplets=np.hstack([alike[r.randint(60, size=80)], unlike[r.randint(60, size=80)]]),
        chunks=chunks, triplets=np.array(triplets))


def library(name, x, y, given):
    """L as metric-learn finds it."""
    import metric_learn as ml
    import numpy as np
    tuples = x[given["pairs"]]
    signs = given["signs"]
    balance = 0.5 / np.linalg.eigvalsh(-sum(
        s * np.outer(a - b, a - b) for (a, b), s in zip(tuples, signs))).max()
    runs = {
        "covariance": lambda: ml.Covariance().fit(x),
        "rca": lambda: ml.RCA().fit(x, given["chunks"]),
        "lfda": lambda: ml.LFDA(n_components=2).fit(x, y),
        "nca": lambda: ml.NCA(init="identity", max_iter=100).fit(x, y),
        "mlkr": lambda: ml.MLKR(init="identity").fit(x, y.astype(float)),
        "lmnn": lambda: ml.LMNN(init="identity").fit(x, y),
        "itml": lambda: ml.ITML(prior="identity").fit(tuples, signs),
        "sdml": lambda: ml.SDML(prior="identity", balance_param=balance).fit(tuples, signs),
        "lsml": lambda: ml.LSML(prior="identity").fit(x[given["quadruplets"]]),
        "mmc": lambda: ml.MMC(init="identity").fit(tuples, signs),
        "scml": lambda: ml.SCML(random_state=0).fit(x[given["triplets"]]),
    }
    start = time.perf_counter()
    found = runs[name]()
    return found.components_, time.perf_counter() - start


OPTIONS = {
    "rca": ["chunks"], "itml": ["pairs"], "sdml": ["pairs"], "lsml": ["quadruplets"],
    "mmc": ["pairs"], "scml": ["triplets"],
}
PARAMS = {"nca": '{init: "identity"}', "mlkr": '{init: "identity"}'}


def ours(name, folder, x, y, given):
    """L, objective and seconds as `kindred learn` has them."""
    import numpy as np
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    out = folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    words = [KINDRED, "learn", name, "--embeddings", folder / "x.npy", "--out", out, "--json"]
    for what in OPTIONS.get(name, []):
        np.save(folder / f"{what}.npy", given[what].astype(np.int64))
        words += [f"--{what}", folder / f"{what}.npy"]
        if what == "pairs":
            np.save(folder / "signs.npy", given["signs"].astype(np.int64))
            words += ["--pair-labels", folder / "signs.npy"]
    if name not in OPTIONS and name != "covariance":
        words += ["--labels", folder / "y.npy"]
    if name == "lfda":
        words += ["--components", "2"]
    if name in PARAMS:
        words += ["--params", PARAMS[name]]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    with np.load(out / "metric.npz") as metric:
        return metric["L"], found


def objective(name, L, x, y, given):
    """What both sides optimise, from a map; None where the two mean different things.

    More is better for nca and mmc, whose map is first scaled to the same budget."""
    import numpy as np
    M = L.T @ L
    form = lambda v: np.maximum(0, np.einsum("ij,jk,ik->i", v, M, v))
    if name in ("nca", "mlkr"):
        e = x @ L.T
        d = ((e[:, None] - e[None]) ** 2).sum(-1)
        np.fill_diagonal(d, np.inf)
        p = np.exp(d.min(1, keepdims=True) - d)
        p /= p.sum(1, keepdims=True)
        return (p * (y[:, None] == y)).sum() if name == "nca" else ((p @ y - y) ** 2).sum()
    if name == "lmnn":
        d0 = ((x[:, None] - x[None]) ** 2).sum(-1)
        np.fill_diagonal(d0, np.inf)
        e = x @ L.T
        d = ((e[:, None] - e[None]) ** 2).sum(-1)
        total = 0
        for i in range(len(x)):
            own = np.flatnonzero(y == y[i])
            near = own[np.argsort(d0[i, own], kind="stable")[:3]]
            total += .5 * d[i, near].sum() + .5 * sum(
                np.maximum(0, 1 + d[i, j] - d[i, y != y[i]]).sum() for j in near)
        return total
    if name == "mmc":
        a, b = given["pairs"][:, 0], given["pairs"][:, 1]
        v = x[a] - x[b]
        s = given["signs"]
        return np.log(np.sqrt(form(v[s < 0])).sum()) - .5 * np.log(form(v[s > 0]).sum())
    if name == "lsml":
        q = given["quadruplets"]
        near, far = form(x[q[:, 0]] - x[q[:, 1]]), form(x[q[:, 2]] - x[q[:, 3]])
        over = near > far
        return (((np.sqrt(near) - np.sqrt(far)) ** 2)[over].sum() / len(q) + np.trace(M)
                - np.linalg.slogdet(M)[1])
    return None


def page(rows, ratio, rounds):
    """The table as Markdown, with what it was measured by."""
    import importlib.metadata as metadata
    version = subprocess.run([KINDRED, "--version"], capture_output=True, text=True).stdout.strip()
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "")
    packages = ", ".join(f"{p} {metadata.version(p)}" for p in ("metric-learn", "scikit-learn", "numpy", "scipy"))
    lines = [
        "# Classical learners beside metric-learn", "",
        "    python3 benchmarks/classical.py --markdown benchmarks/results/classical.md", "",
        f"{time.strftime('%Y-%m-%d')}; {version}; {packages}; {model}, {os.cpu_count()} processors; "
        f"medians of {rounds} rounds.", "",
        "The objective is what both sides optimise: less is better, but more for nca and mmc, whose map is first "
        "scaled to one budget.", "",
        "| data, learner | objective: library | ours | neighbours right: library | ours | ms: library | ours |",
        "|---|---|---|---|---|---|---|"]
    value = lambda v: "" if v is None else f"{v:.6g}"
    for r in rows:
        a, b = r["library"], r["kindred"]
        lines.append(
            f"| {r['data']} {r['learner']} | {value(a['objective'])} | {value(b['objective'])} "
            f"| {a['accuracy']:.3f} | {b['accuracy']:.3f} | {1e3 * a['seconds']:.2f} | {1e3 * b['seconds']:.2f} |")
    return "\n".join(lines + ["", f"Geometric mean of the ratios of times: {ratio:.1f}.", ""])


def main():
    inside_own_environment()
    import warnings
    warnings.filterwarnings("ignore")
    import numpy as np
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    rows = []
    print(f"{'':22} {'objective':>23} {'neighbours right':>17} {'milliseconds':>19}")
    print(f"{'':22} {'library':>11} {'ours':>11} {'library':>8} {'ours':>8} {'library':>10} {'ours':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for data, x, y, test in datasets():
            given = constraints(x[~test], y[~test])
            for name in ("covariance", "rca", "lfda", "nca", "mlkr", "lmnn", "itml", "sdml",
                         "lsml", "mmc", "scml"):
                if arguments.only not in f"{data} {name}":
                    continue
                times = []
                for _ in range(arguments.rounds):
                    theirs, slow = library(name, x[~test], y[~test], given)
                    L, found = ours(name, folder, x[~test], y[~test], given)
                    times.append((slow, found["seconds"]))
                    if slow > 2:
                        break
                row = dict(
                    data=data, learner=name,
                    library=dict(objective=objective(name, theirs, x[~test], y[~test], given),
                                 accuracy=accuracy(theirs, x, y, test),
                                 seconds=statistics.median(t[0] for t in times)),
                    kindred=dict(objective=objective(name, L, x[~test], y[~test], given),
                                 accuracy=accuracy(L, x, y, test),
                                 certificate=found["certificate"],
                                 seconds=statistics.median(t[1] for t in times)))
                rows.append(row)
                a, b = row["library"], row["kindred"]
                value = lambda v: "" if v is None else f"{v:.5g}"
                print(f"{data + ' ' + name:22} {value(a['objective']):>11} {value(b['objective']):>11} "
                      f"{a['accuracy']:8.3f} {b['accuracy']:8.3f} {1e3 * a['seconds']:10.2f} "
                      f"{1e3 * b['seconds']:8.2f}", flush=True)
    ratios = [r["library"]["seconds"] / max(r["kindred"]["seconds"], 1e-6) for r in rows]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean of the times' ratios: {mean:.1f}")
        if arguments.markdown:
            pathlib.Path(arguments.markdown).write_text(page(rows, mean, arguments.rounds))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
