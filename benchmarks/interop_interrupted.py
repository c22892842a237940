"""Saves that are ended by kill -9: a file is the old one, the new one, or not there; see interop.sh."""

import os
import random
import signal
import subprocess
import time

import numpy as np

from interop_common import check, kindred

ROUNDS = 25


def compare(command, work):
    rows = np.random.default_rng(6).normal(size=(4000, 32)).astype(np.float32)
    np.save(work / "killed.npy", rows)
    chance = random.Random(1)
    for name in ("hnsw", "faiss-flat", "fbin"):
        whole = work / f"whole.{name}"
        start = time.perf_counter()
        kindred(command, "export", work / "killed.npy", "--format", name, "--out", whole)
        duration = time.perf_counter() - start
        target = work / f"killed.{name}"
        ended = 0
        for _ in range(ROUNDS):
            process = subprocess.Popen(
                [command, "export", work / "killed.npy", "--format", name, "--out", target],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(duration * chance.uniform(0.3, 1.05))
            os.kill(process.pid, signal.SIGKILL)
            ended += process.wait() != 0
            if target.exists() and target.read_bytes() != whole.read_bytes():
                check(False, f"{name}: a file is there and is not whole")
        check(ended > 0, f"{name}: {ended} of {ROUNDS} saves were ended by kill -9, none left a wrong file")
