#!/usr/bin/env python3
"""Holds the threshold-consistent margin to what it promises on Omniglot: a lower OPIS, equal recall.

usage: benchmarks/threshold_consistency.py [--kindred PROGRAM] [--set KEY=VALUE ...]

Trains omniglot-contrastive with and without the margin with seeds 0, 1 and 2. The mean OPIS must be lower
with it, and the mean recall@1 no more than 0.005 lower. Needs $KINDRED_DATA with Omniglot (see
Documentation/Data.md).
"""
import json, pathlib, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parent.parent
arguments = sys.argv[1:]
if arguments[:1] == ["--kindred"]:
    program = arguments[1]
    arguments = arguments[2:]
else:
    program = subprocess.run(
        ["swift", "build", "-c", "release", "--show-bin-path"], cwd=root, check=True,
        capture_output=True, text=True).stdout.strip() + "/kindred"
names = ("recall@1", "map@r", "opis", "opis-worst-10")
means = {}
for recipe in ("omniglot-contrastive", "omniglot-contrastive-tcm"):
    rows = []
    for seed in (0, 1, 2):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run(
                [program, "train", f"recipes/{recipe}.json5", "--out", f"{scratch}/run", "--seed",
                 str(seed), "--set", "targets={}", "--json", *arguments], cwd=root,
                capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        rows.append(json.loads(done.stdout)["trained"])
        print(f"{recipe} seed {seed}: "
              + "  ".join(f"{name} {rows[-1][name]:.4f}" for name in names), flush=True)
    means[recipe] = {name: sum(row[name] for row in rows) / len(rows) for name in names}
    print(f"{recipe} mean:   " + "  ".join(f"{name} {means[recipe][name]:.4f}" for name in names),
          flush=True)
plain, margin = means.values()
passed = margin["opis"] < plain["opis"] and margin["recall@1"] >= plain["recall@1"] - 0.005
print("passed" if passed else "FAILED")
sys.exit(0 if passed else 1)
