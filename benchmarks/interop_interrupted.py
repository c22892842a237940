"""Saves that are ended by kill -9: a file is the old one, the new one, or not there; see interop.sh."""

import json
import random
import shutil
import subprocess
import time

import numpy as np
import safetensors

from interop_common import check, kindred

ROUNDS = 20


def contents(place):
    """The bytes of a file, or of all files of a folder by their names; None if there is nothing."""
    if place.is_dir():
        return {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    return place.read_bytes() if place.exists() else None


def ended(command, partial, duration, chance, in_the_middle):
    """Starts a command and kills it, once its neighbour is there or at any time.

    Returns whether it was still running, and whether its neighbour was there.
    """
    process = subprocess.Popen([str(a) for a in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if in_the_middle:
        deadline = time.perf_counter() + 3 * duration
        while not partial.exists() and process.poll() is None and time.perf_counter() < deadline:
            pass
    else:
        time.sleep(duration * chance.uniform(0.3, 1.02))
    caught = in_the_middle and partial.exists()
    process.kill()  # SIGKILL
    return process.wait() != 0, caught


def interrupted(what, command, targets, expected, duration, chance, before=None):
    """Ends saves at any time.

    targets: a file or folder, then what lies beside it; expected, before: what they hold after and before a
    save. What lies beside the first may be missing, but is never that of another.
    """
    before = before or [None] * len(targets)
    target = targets[0]
    killed, caught = 0, 0
    partial = target.with_name(target.name + ".partial")
    for i in range(ROUNDS):
        # What a killed save left is as good as gone to the next one; away with it to see the next.
        if i % 2 and partial.is_dir():
            shutil.rmtree(partial)
        elif i % 2:
            partial.unlink(missing_ok=True)
        was_running, was_writing = ended(command, partial, duration, chance, in_the_middle=i % 2)
        killed, caught = killed + was_running, caught + was_writing
        found = [contents(t) for t in targets]
        if not any(found[0] == version[0] and all(f is None or f == v for f, v in zip(found[1:], version[1:]))
                   for version in (expected, before, [None] * len(targets))):
            check(False, f"{what}: a file is there and is not whole, or not beside its own")
        if target.is_dir():
            # A folder is not written over, so that it must go before the next round.
            shutil.rmtree(target)
        elif i % 4 == 3 and before[0] is not None:
            for place, old in zip(targets, before):
                place.unlink(missing_ok=True)
                if old is not None:
                    place.write_bytes(old)
    subprocess.run([str(a) for a in command], check=True, stdout=subprocess.DEVNULL)
    check([contents(t) for t in targets] == expected, f"{what}: the save after the killed ones is whole")
    left = [p.name for p in target.parent.iterdir() if ".partial" in p.name]
    check(not left, f"{what}: {killed} of {ROUNDS} saves were ended by kill -9, {caught} in the middle of writing, "
          f"none left a wrong file or anything behind {left}")


def timed(*arguments):
    start = time.perf_counter()
    kindred(*arguments)
    return time.perf_counter() - start


def exports(command, run, work, chance):
    """Vectors and indexes over what was there before, and models into nothing."""
    vectors = ["hnsw", "hnswlib", "usearch", "faiss-flat", "faiss-hnsw", "faiss-pq", "npz", "fbin", "int8",
               "safetensors", "jsonl", "pgvector"]
    head = work / "head-of-the-killed"
    data = {"name": "vectors", "embeddings": str(work / "killed.npy"), "labels": str(work / "killed-labels.npy")}
    train(command, work, head, {"data": data, "model": {"name": "mlp", "hidden": [400], "embedding": 200}}, 2)
    for name, source in [(n, work / "killed.npy") for n in vectors] + [
            ("onnx", run), ("safetensors", run), ("sentence-transformers", head)]:
        kind = "vectors" if source.is_file() else source.name
        folder = work / f"killed-{kind}-{name}"
        folder.mkdir()
        # Pages name their file, and safetensors files their run only.
        whole, target = folder / "whole.out", folder / "target.out"
        duration = timed(command, "export", source, "--format", name, "--out", whole)
        before = None
        if source.is_file():
            kindred(command, "export", work / "other.npy", "--format", name, "--out", target)
            before = [contents(target)]
        interrupted(f"{kind} {name}", [command, "export", source, "--format", name, "--out", target], [target],
                    [contents(whole)], duration, chance, before)


def beside_each_other(what, command, first, second, target, endings, chance):
    """Saves of files that belong together, over those of other items."""
    targets = [target.with_suffix(e) for e in endings]
    kindred(command, *first, "--out", target)
    before = [contents(t) for t in targets]
    duration = timed(command, *second, "--out", target)
    expected = [contents(t) for t in targets]
    check(all(a != b for a, b in zip(before, expected) if a is not None), f"{what}: the two differ")
    interrupted(what, [command, *second, "--out", target], targets, expected, duration, chance, before)


def embeddings(command, run, work, chance):
    """Parts of embeddings and their merge, with names that belong to the rows."""
    with safetensors.safe_open(str(run / "model.safetensors"), framework="np") as file:
        width = int(np.prod(json.loads(file.metadata()["inputShape"])))
    folder = work / "killed-embeddings"
    folder.mkdir()
    random_rows = np.random.default_rng(7)
    parts = {}
    for name in ("one", "two"):
        np.save(work / f"items-{name}.npy", random_rows.random((600, width), dtype=np.float32))
        parts[name] = []
        for i in (1, 2):
            parts[name].append(folder / f"{name}-{i}.npy")
            kindred(command, "embed", run, "--input", work / f"items-{name}.npy", "--shard", f"{i}/2",
                    "--out", parts[name][-1])

    def embed(name):
        return "embed", run, "--input", work / f"items-{name}.npy", "--shard", "1/2"

    endings = (".npy", ".paths.txt", ".shard.json")
    beside_each_other("embed", command, embed("one"), embed("two"), folder / "E.npy", endings, chance)
    beside_each_other("merge", command, ("merge", *parts["one"]), ("merge", *parts["two"]), folder / "M.npy",
                      endings[:2], chance)


def calibrations(command, run, work, chance):
    calibrated = work / "killed-calibration"
    shutil.copytree(run, calibrated)
    target = calibrated / "calibration.json"
    kindred(command, "calibrate", calibrated, "--far", 0.01)
    before = [contents(target)]
    duration = timed(command, "calibrate", calibrated, "--far", 0.001)
    interrupted("calibration.json", [command, "calibrate", calibrated, "--far", 0.001], [target],
                [contents(target)], duration, chance, before)


def train(command, work, out, recipe, steps, *arguments):
    recipe = {"losses": [{"name": "triplet-margin"}], "sampler": {"name": "m-per-class", "classes": 4, "perClass": 4},
              "training": {"steps": steps, "evaluateEvery": 40, "checkpointEvery": 10}, **recipe}
    path = work / "killed.json5"
    path.write_text(json.dumps(recipe))
    kindred(command, "train", path, "--out", out, *arguments)
    return path


def runs(command, work, chance):
    """Training that is killed again and again and resumed ends with the bytes of one that never was."""
    digits = {"data": {"name": "digits"}, "model": {"name": "mlp", "hidden": [800], "embedding": 64}}
    whole = work / "never-killed"
    start = time.perf_counter()
    recipe = train(command, work, whole, digits, 120)
    duration = time.perf_counter() - start
    kept = ("model.safetensors", "evaluation.json", "metrics.jsonl", "checkpoint/state.safetensors")
    expected = [contents(whole / name) for name in kept]
    killed, caught, starts, longest = 0, 0, 0, 5
    for run in range(longest):
        out = work / f"killed-run-{run}"
        partial = out / "checkpoint/state.safetensors.partial"
        for i in range(6):
            starts += 1
            going_on = ["--resume"] if out.exists() else []
            partial.unlink(missing_ok=True)
            command_line = [command, "train", recipe, "--out", out, *going_on]
            was_running, was_writing = ended(command_line, partial, duration * chance.uniform(0.05, 0.5), chance, i % 2)
            killed, caught = killed + was_running, caught + was_writing
        kindred(command, "train", recipe, "--out", out, *(["--resume"] if out.exists() else []))
        if [contents(out / name) for name in kept] != expected:
            check(False, f"killed and resumed training: {[n for n, e in zip(kept, expected) if contents(out / n) != e]}")
        left = [p.name for p in out.rglob("*.partial")]
        check(not left, f"killed training {run}: resumed, it ends with the bytes of one that never was {left}")
    check(killed > starts // 2, f"training: {killed} of {starts} starts were ended by kill -9, {caught} in the middle "
          "of writing a checkpoint")


def compare(command, run, work):
    rows = np.random.default_rng(6).normal(size=(3000, 24)).astype(np.float32)
    np.save(work / "killed.npy", rows)
    np.save(work / "killed-labels.npy", np.arange(len(rows)) % 30)
    np.save(work / "other.npy", rows[::-1])
    chance = random.Random(1)
    exports(command, run, work, chance)
    embeddings(command, run, work, chance)
    calibrations(command, run, work, chance)
    runs(command, work, chance)
