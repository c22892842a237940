"""Saves that are ended by kill -9: a file is the old one, the new one, or not there; see interop.sh."""

import random
import subprocess
import time

import numpy as np

from interop_common import check, kindred

ROUNDS = 20


def contents(place):
    """The bytes of a file, or of all files of a folder by their names; None if there is nothing."""
    if place.is_dir():
        return {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    return place.read_bytes() if place.exists() else None


def interrupted(what, command, target, expected, duration, chance, before=None):
    """Ends saves at any time; `before` is what a target held that is written over."""
    ended, caught = 0, 0
    partial = target.with_name(target.name + ".partial")
    for i in range(ROUNDS):
        # What a killed save left is as good as gone to the next one; away with it to see the next.
        if i % 2 and partial.is_file():
            partial.unlink()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if i % 2:
            # In the middle of the save: its neighbour is there and grows.
            deadline = time.perf_counter() + 3 * duration
            while not partial.exists() and process.poll() is None and time.perf_counter() < deadline:
                pass
            caught += partial.exists()
        else:
            time.sleep(duration * chance.uniform(0.3, 1.02))
        process.kill()  # SIGKILL
        ended += process.wait() != 0
        found = contents(target)
        if found is not None and found != expected and found != before:
            check(False, f"{what}: a file is there and is not whole")
        if target.is_dir():
            # A folder is not written over, so that it must go before the next round.
            for path in sorted(target.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            target.rmdir()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    check(contents(target) == expected, f"{what}: the save after the killed ones is whole")
    left = [p.name for p in target.parent.iterdir() if ".partial" in p.name]
    check(not left, f"{what}: {ended} of {ROUNDS} saves were ended by kill -9, {caught} in the middle of writing, none left a wrong file "
          f"or anything behind {left}")


def compare(command, run, work):
    rows = np.random.default_rng(6).normal(size=(3000, 24)).astype(np.float32)
    np.save(work / "killed.npy", rows)
    np.save(work / "other.npy", rows[::-1])
    chance = random.Random(1)
    vectors = ["hnsw", "hnswlib", "usearch", "faiss-flat", "faiss-hnsw", "faiss-pq", "npz", "fbin", "int8",
               "safetensors", "jsonl", "pgvector"]
    for name, source in [(n, work / "killed.npy") for n in vectors] + [
            ("onnx", run), ("safetensors", run)]:
        kind = name if source == run else "vectors"
        folder = work / f"killed-{kind}-{name}"
        folder.mkdir()
        whole, target = folder / "whole.out", folder / "target.out"
        start = time.perf_counter()
        kindred(command, "export", source, "--format", name, "--out", whole)
        duration = time.perf_counter() - start
        before = None
        if source != run:
            kindred(command, "export", work / "other.npy", "--format", name, "--out", target)
            before = contents(target)
        # Pages name their file, and safetensors files their run only.
        interrupted(f"{kind} {name}", [command, "export", source, "--format", name, "--out", target], target,
                    contents(whole), duration, chance, before)
