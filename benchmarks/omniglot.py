#!/usr/bin/env python3
"""Trains the Omniglot recipe with seeds 0, 1 and 2 and holds the means to their targets.

usage: benchmarks/omniglot.py [RECIPE] [--set KEY=VALUE ...]

Needs $KINDRED_DATA with Omniglot (see Documentation/Data.md) and the built kindred. The peer, PyTorch
2.13 with pytorch-metric-learning 2.9 and seed 0, scored recall@1 0.795 and MAP@R 0.404.
"""
import json, pathlib, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parent.parent
arguments = sys.argv[1:]
recipe = arguments.pop(0) if arguments and not arguments[0].startswith("--") else \
    "recipes/omniglot-multi-similarity.json5"
targets = {"recall@1": 0.79, "map@r": 0.40}
folder = subprocess.run(
    ["swift", "build", "-c", "release", "--show-bin-path"], cwd=root, check=True,
    capture_output=True, text=True).stdout.strip()
rows = []
for seed in (0, 1, 2):
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [f"{folder}/kindred", "train", recipe, "--out", f"{scratch}/run", "--seed", str(seed),
             "--set", "targets={}", "--json", *arguments], cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    rows.append(json.loads(done.stdout)["trained"])
    print(f"seed {seed}: " + "  ".join(
        f"{name} {rows[-1][name]:.4f}" for name in ("recall@1", "r-precision", "map@r", "opis")),
        flush=True)
failed = False
for name, target in targets.items():
    mean = sum(row[name] for row in rows) / len(rows)
    failed |= mean < target
    print(f"mean {name} {mean:.4f} (target {target})")
sys.exit(1 if failed else 0)
