#!/usr/bin/env python3
"""Holds a calibrated threshold to what it promises on classes that neither training nor it has seen.

usage: benchmarks/calibration.py [--kindred PROGRAM] [RUN ...]

Trains omniglot-contrastive with seeds 0, 1 and 2, or takes trained runs of it, and fits a threshold for a
false accept rate of 1 % on half of the test classes. The rate asked for must lie within the 95 % interval
of the rate on the other half. Prints too how often that is so over 20 more ways to halve the classes:
as the threshold comes from a sample of classes as well, five of six are to be expected, not 95 %. Needs
$KINDRED_DATA with Omniglot (see Documentation/Data.md).
"""
import json, pathlib, shutil, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parent.parent
arguments = sys.argv[1:]
if arguments[:1] == ["--kindred"]:
    program = arguments[1]
    arguments = arguments[2:]
else:
    program = subprocess.run(
        ["swift", "build", "-c", "release", "--show-bin-path"], cwd=root, check=True,
        capture_output=True, text=True).stdout.strip() + "/kindred"
rate = 0.01


def kindred(*command):
    done = subprocess.run([program, *map(str, command), "--json"], cwd=root, capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def check(run, seed):
    found = kindred("calibrate", run, "--far", rate, "--seed", seed)["check"]
    low, high = found["farInterval"]
    return found["far"], low, high, low <= rate <= high


passed = True
with tempfile.TemporaryDirectory() as scratch:
    for number, given in enumerate(arguments or (0, 1, 2)):
        run = pathlib.Path(scratch) / str(number)
        if arguments:
            # A copy: calibrating writes into the run.
            shutil.copytree(given, run)
        else:
            kindred("train", "recipes/omniglot-contrastive.json5", "--out", run, "--seed", given,
                    "--set", "targets={}")
        far, low, high, within = check(run, 0)
        passed &= within
        others = sum(check(run, seed)[3] for seed in range(1, 21))
        print(f"{given}: asked {rate:.2%}, on held-out classes {far:.2%} ({low:.2%} to {high:.2%}), "
              f"{'within' if within else 'OUTSIDE'}; within for {others} of 20 other halvings",
              flush=True)
print("passed" if passed else "FAILED")
sys.exit(0 if passed else 1)
