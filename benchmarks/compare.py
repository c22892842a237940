"""Measures kindred beside PyTorch, pytorch-metric-learning and faiss, and writes the table of
Documentation/Performance.md.

usage: python3 benchmarks/compare.py [--rounds N] [--no-write] [--stored]
           [product|step|losses|memory|search|start|embed|growth] ...

Makes a virtual environment of its own in benchmarks/.venv and builds kindred. Peer and product
run in turn, in a process each, ROUNDS times; the table shows medians. What a section measured is
kept in benchmarks/.results.json (not committed), so that sections can be measured one at a time;
--stored writes the table from there alone.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PYTHON = HERE / ".venv" / "bin" / "python"
KINDRED = ROOT / ".build" / "release" / "kindred"
STORE = HERE / ".results.json"
TABLE = ROOT / "Documentation" / "Performance.md"
PACKAGES = ["numpy", "faiss-cpu", "pytorch-metric-learning"]
SIZES = ["128,128,128", "256,256,256", "512,512,512", "1024,1024,1024", "4096,512,2048"]
SLOW = 400  # A peer's call above so many milliseconds is measured once, and in the first round alone.

# name, what it is, target, products (m k n) of a step, parameters
STEPS = [
    ("conv4", "step conv4-64, 28×28, B = 128, batch-hard triplet", 1.6, 256 * (
        2 * 784 * 576 + 3 * 36864 * (196 + 49 + 9)), 119_872),
    ("mlp", "step MLP 768-1024-128, B = 512, batch-hard triplet", 1.3,
        2 * 512 * (2 * 768 * 1024 + 3 * 1024 * 128) + 4 * 512 * 512 * 128, 918_656),
    ("mlp-multi-similarity", "step MLP, B = 512, multi-similarity with miner", 1.8,
        2 * 512 * (2 * 768 * 1024 + 3 * 1024 * 128) + 4 * 512 * 512 * 128, 918_656),
    ("linear", "step linear 768-768, B = 256, batch-hard triplet", 1.5,
        2 * 256 * 2 * 768 * 768 + 4 * 256 * 256 * 768, 590_592),
    ("adapter", "step adapter 768-64-768, B = 256, batch-hard triplet", 1.5,
        2 * 256 * 5 * 768 * 64 + 4 * 256 * 256 * 768, 98_304),
]
MEMORY = ["batch-all-triplet", "triplet-margin", "nt-xent", "multi-similarity", "threshold-consistent-margin",
          "smooth-ap"]
PROXIES = ["normalized-softmax", "arc-face", "proxy-anchor", "proxy-nca"]


def environment():
    """Makes the virtual environment, with a CPU build of torch where PyPI has one."""
    have = subprocess.run(
        [PYTHON, "-c", "import torch, faiss, numpy, pytorch_metric_learning"],
        capture_output=True).returncode == 0 if PYTHON.exists() else False
    if have:
        return
    subprocess.run([sys.executable, "-m", "venv", HERE / ".venv"], check=True)
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    listed = subprocess.run([*pip, "index", "versions", "torch"], capture_output=True, text=True)
    cpu = [v.strip() for v in listed.stdout.replace(":", ",").replace("\n", ",").split(",")
           if v.strip().endswith("+cpu")]
    torch = f"torch=={cpu[0]}" if cpu else "torch"
    subprocess.run([*pip, "install", "--quiet", torch, *PACKAGES], check=True)


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr.strip()[-500:]}")
    return done.stdout


# MARK: a machine that others may use

QUIET = 0.08  # The share of all processors that other work may take during a measurement.
LOST = 0.15  # The share of the product rate that may be missing before and after it.
others = []  # What it took in the measurements that were kept.
attempts = 3


def busy_seconds():
    """Processor time of everything that runs here, and of what this program ran and waited for."""
    words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    user, nice, system, _, _, irq, soft, steal = map(int, words[1:9])
    total = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
    mine = os.times()
    return total, mine.user + mine.system + mine.children_user + mine.children_system


def share_of_others(work):
    """The result of `work`, and the share of all processors that went to others meanwhile."""
    if not pathlib.Path("/proc/stat").exists():
        return work(), 0.0
    (total, mine), start = busy_seconds(), time.perf_counter()
    result = work()
    elapsed = time.perf_counter() - start
    after_total, after_mine = busy_seconds()
    others = (after_total - total) - (after_mine - mine)
    return result, max(0.0, others / (elapsed * os.cpu_count()))


class Companion:
    """The peer in a process that waits for questions: how fast are products just now, or a loss?"""

    def __init__(self):
        self.process = subprocess.Popen(
            [PYTHON, HERE / "peer.py", "answers", "2"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.best = max(self.ask("rate") for _ in range(20))

    def ask(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def lost(self):
        """The share of the processors that the host keeps from this machine just now.

        A virtual machine does not see who else is on its processors; at times two of them are no
        faster than one, for peer and product alike.
        """
        rate = self.ask("rate")
        self.best = max(self.best, rate)
        return 1 - rate / self.best


@functools.cache
def companion():
    return Companion()  # It ends with this program, which closes its input.


def quietly(work):
    """Runs `work` when the machine is free; again, if others disturbed it; keeps the calmest."""
    best = None
    for _ in range(attempts):
        for _ in range(20):
            if (share_of_others(lambda: time.sleep(0.25))[1] < QUIET
                    and companion().lost() < LOST):
                break
        result, share = share_of_others(work)
        lost = companion().lost()
        disturbance = max(share, lost if lost >= LOST else 0)
        if best is None or disturbance < best[1]:
            best = (result, disturbance)
        if disturbance < QUIET:
            break
    others.append(best[1])
    return best[0]


def bench(what, *arguments, threads=2):
    """The results of `kindred bench` by name."""
    text = run([KINDRED, "bench", what, "--threads", threads, "--json", *arguments])
    return {r["name"]: r for r in json.loads(text)["results"]}


def ours(what, *arguments, threads=2):
    """The same, measured when the machine is free."""
    return quietly(lambda: bench(what, *arguments, threads=threads))


def only(results):
    return next(iter(results.values()))


def peer(what, *names, threads=2):
    return json.loads(quietly(lambda: run([PYTHON, HERE / "peer.py", what, threads, *names])))


class Sample:
    """What the rounds measured, by name; the median where it is numbers."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def medians(self):
        return {
            name: statistics.median(v) if all(isinstance(x, (int, float)) for x in v) else v[0]
            for name, v in self.values.items()
        }


# MARK: sections; each returns numbers by name


def product(rounds):
    sample = Sample()
    for _ in range(rounds):
        for threads in (1, 2):
            for name, ms in peer("product", *SIZES, threads=threads)["results"].items():
                sample.add(f"peer {name} {threads}", ms)
            found = ours("product", *sum((["--size", s] for s in SIZES), []), threads=threads)
            for size, result in zip(SIZES, found.values()):
                sample.add(f"ours {size} {threads}", result["milliseconds"])
        sample.add("bandwidth", peer("bandwidth")["results"]["bytesPerSecond"])
    return sample.medians()


def step(rounds):
    sample = Sample()
    for _ in range(rounds):
        for name, *_ in STEPS:
            for variant in ("", "+tuned"):
                found = peer("step", name + variant)
                sample.add(f"peer {name}{variant}", only(found["results"]))
                sample.add(f"peer memory {name}{variant}", found["peakMemory"])
            result = only(ours("step", "--only", name))
            sample.add(f"ours {name}", result["milliseconds"])
            sample.add(f"ours memory {name}", result["peakMemory"])
            sample.add(f"ours allocations {name}", result["allocations"])
    return sample.medians()


def in_turn(peer, name, wanted=3, most=24):
    """Milliseconds of the peer for a loss, or why there are none, and of kindred.

    The two run in turn, a fraction of a second each, because the host changes from second to second.
    Medians of the first `wanted` pairs that had the full product rate before, between and after; of
    the calmest, if `most` do not have so many.
    """
    pairs, lost = [], peer.lost()
    for _ in range(most):
        theirs = peer.ask(name)
        between = peer.lost()
        own = only(bench("losses", "--batch", 512, "--only", name, "--repeat", 200))
        before, lost = lost, peer.lost()
        pairs.append((max(before, between, lost), theirs, own["milliseconds"]))
        if not isinstance(theirs, float) or theirs > SLOW or sum(
                p[0] < LOST for p in pairs) == wanted:
            break
    kept = sorted(pairs, key=lambda p: p[0])[:wanted]
    others.append(max(p[0] for p in kept))
    if not isinstance(kept[0][1], float):
        return kept[0][1:]
    return statistics.median(p[1] for p in kept), statistics.median(p[2] for p in kept)


def losses(rounds):
    sample, slow = Sample(), set()
    listed = json.loads(run([KINDRED, "list", "losses", "--json"]))
    names = [loss["name"] for loss in listed["losses"]]
    peer = companion()
    known = set(peer.ask("names"))
    for _ in range(rounds):
        for name in names:
            if name in known and name not in slow:
                theirs, own = in_turn(peer, name)
                sample.add("peer " + name, theirs)
                if not isinstance(theirs, float) or theirs > SLOW:
                    slow.add(name)
            else:
                own = only(bench("losses", "--batch", 512, "--only", name))["milliseconds"]
            sample.add("ours " + name, own)
    return sample.medians()


MINERS = ["angular", "batch-easy-hard", "batch-hard", "distance-weighted", "hdc",
          "multi-similarity", "pair-margin", "triplet-margin", "uniform-histogram"]


def mining(rounds):
    """Time and peak memory of each miner, in a process of its own."""
    sample = Sample()
    for _ in range(rounds):
        for batch in (512, 2048):
            for name in MINERS:
                found = peer("miners", f"{name},{batch}")
                sample.add(f"peer {name} {batch}", only(found["results"]))
                sample.add(f"peer memory {name} {batch}", found["peakMemory"])
                result = only(ours("miners", "--only", name, "--batch", batch))
                sample.add(f"ours {name} {batch}", result["milliseconds"])
                sample.add(f"ours memory {name} {batch}", result["peakMemory"])
    return sample.medians()


def memory(rounds):
    result = {}
    for name in MEMORY:
        try:
            found = only(ours("losses", "--only", name, "--batch", 4096, "--repeat", 1))
            result[name] = [found["milliseconds"], found["peakMemory"]]
        except RuntimeError as error:
            result[name] = str(error).splitlines()[-1]
    return result


def search(rounds):
    sample = Sample()
    for _ in range(rounds):
        for top, ms in peer("search")["results"].items():
            sample.add(f"peer {top}", ms)
        for name, result in ours("search").items():
            sample.add(f"ours {name.split()[1]}", result["milliseconds"])
    return sample.medians()


def embed(rounds):
    sample = Sample()
    for _ in range(rounds):
        for name, ms in peer("embed")["results"].items():
            sample.add(f"peer {name}", ms)
        sample.add("ours embed", only(ours("step", "--only", "embed"))["milliseconds"])
    return sample.medians()


def start(rounds):
    sample = Sample()

    def measured(name, command):
        def work():
            before = time.perf_counter()
            subprocess.run([str(c) for c in command], check=True, capture_output=True, cwd=ROOT)
            return (time.perf_counter() - before) * 1e3

        sample.add(name, quietly(work))

    for number in range(max(5, rounds)):
        for _ in range(4):
            measured("ours", [KINDRED, "bench", "first-step"])
        if number < rounds:
            measured("peer", [PYTHON, "-c", "import torch, pytorch_metric_learning"])
    return sample.medians()


def growth(rounds):
    result = {}
    for name in ("conv4", "mlp"):
        for batch in (32, 128, 512, 2048, 4096):
            found = only(ours("step", "--only", name, "--batch", batch, "--repeat", 3))
            result[f"step {name} {batch}"] = [found["milliseconds"], found["peakMemory"]]
    for name in PROXIES:
        for classes in (10, 100, 1000, 10_000, 100_000):
            found = only(ours("losses", "--only", name, "--batch", 128, "--classes", classes,
                              "--repeat", 3))
            result[f"loss {name} {classes}"] = [found["milliseconds"], found["peakMemory"]]
    return result


SECTIONS = {
    "product": product, "step": step, "losses": losses, "memory": memory, "search": search,
    "start": start, "embed": embed, "growth": growth, "mining": mining,
}

# MARK: the table


def ms(value):
    if not isinstance(value, (int, float)):
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def mib(value):
    return f"{value / 2**20:,.0f}"


def verdict(reached, target):
    return f"{target:g} × {'reached' if reached >= target else '**missed**'}"


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def head(*cells):
    return [row(*cells), row("---", *["---:"] * (len(cells) - 1))]


def render(stored):
    lines = [
        "# Performance", "",
        "Written by `python3 benchmarks/compare.py`; do not edit. Milliseconds are medians over",
        "rounds in which peer and product run in turn, in a process each, on 2 threads where",
        "nothing else is said. The floor is the larger of the operations over the product rate",
        "and, for a step, the 28 bytes that AdamW moves for each parameter over the bandwidth;",
        "it leaves out all other work. \"Tuned\" PyTorch has the fused AdamW and, for images,",
        "the layout channels_last; the targets are against PyTorch as it comes.", "",
    ]
    lines += [f"- {key}: {value}" for key, value in stored.get("about", {}).items()]
    rates = stored.get("product", {})
    best = {
        t: max((2 * math.prod(map(int, s.split(","))) / (rates[f"{who} {s} {t}"] * 1e-3)
                for who in ("ours", "peer") for s in SIZES), default=0)
        for t in (1, 2) if rates
    }
    bandwidth = rates.get("bandwidth", 0)

    def floor(operations, parameters=0):
        if not best:
            return math.nan
        return max(operations / best[2], 28 * parameters / bandwidth) * 1e3

    if "others" in stored:
        lines += [
            "- Other work on the machine while this was measured (share of all processors, median",
            "  and most of the measurements of a section; disturbed ones are repeated): "
            + "; ".join(f"{name} {100 * a:.0f} and {100 * b:.0f} %"
                        for name, (a, b) in stored["others"].items())]
    if rates:
        lines += [
            f"- Product rate: {best[1] / 1e9:.0f} GFLOP/s on 1 thread, "
            f"{best[2] / 1e9:.0f} on 2 (the best of all products below)",
            f"- Bandwidth: {bandwidth / 1e9:.1f} GB/s (copy of 256 MiB)",
            "", "## Float32 products", "",
            *head("product", "threads", "PyTorch ms", "kindred ms", "ratio", "floor ms", "target"),
        ]
        for size in SIZES:
            for threads in (1, 2):
                a, b = rates[f"peer {size} {threads}"], rates[f"ours {size} {threads}"]
                operations = 2 * math.prod(map(int, size.split(",")))
                lines.append(row(
                    size.replace(",", "×"), str(threads), ms(a), ms(b), f"{a / b:.2f}",
                    ms(operations / best[threads] * 1e3), verdict(a / b, 1)))
    if "step" in stored:
        found = stored["step"]
        lines += ["", "## Training steps", "", *head(
            "work", "PyTorch ms", "tuned ms", "kindred ms", "ratio", "to tuned", "floor ms",
            "peak MiB PyTorch", "kindred", "allocations", "target")]
        for name, title, target, operations, parameters in STEPS:
            a, b = found[f"peer {name}"], found[f"ours {name}"]
            t = found[f"peer {name}+tuned"]
            lines.append(row(
                title, ms(a), ms(t), ms(b), f"{a / b:.2f}", f"{t / b:.2f}",
                ms(floor(operations, parameters)), mib(found[f"peer memory {name}"]),
                mib(found[f"ours memory {name}"]), f"{found[f'ours allocations {name}']:.1f}",
                verdict(a / b, target)))
    if "losses" in stored:
        lines += loss_table(stored["losses"], floor(3 * 512 * 512 * 128))
    if "memory" in stored:
        lines += ["", "## Losses at B = 4096, d = 128", "",
                  "Value and gradient once, in a process of its own; the peak is that of the",
                  "process. Target: finishes under 1,024 MiB.", "",
                  *head("loss", "kindred ms", "peak MiB", "target")]
        for name, found in stored["memory"].items():
            lines.append(
                row(name, "–", "–", f"**missed**: {found}") if isinstance(found, str) else
                row(name, ms(found[0]), mib(found[1]),
                    "reached" if found[1] < 2**30 else "**missed**"))
    if "search" in stored:
        found = stored["search"]
        lines += ["", "## Exact search of 20,000 × 128 in itself", "", *head(
            "top", "faiss ms", "kindred ms", "ratio", "floor ms", "target")]
        for top in ("1", "101"):
            a, b = found[f"peer {top}"], found[f"ours {top}"]
            lines.append(row(top, ms(a), ms(b), f"{a / b:.2f}", ms(floor(2 * 20_000**2 * 128)),
                             verdict(a / b, 1.4) if top == "101" else "–"))
    if "start" in stored:
        found = stored["start"]
        lines += ["", "## Start", "",
                  f"Start of the program to the end of the first training step on digits: "
                  f"{ms(found['ours'])} ms",
                  f"(target: under 50, {'reached' if found['ours'] < 50 else '**missed**'}). "
                  f"`import torch, pytorch_metric_learning` alone: {ms(found['peer'])} ms."]
    if "embed" in stored:
        found = stored["embed"]
        a, t, b = found["peer embed"], found["peer embed+tuned"], found["ours embed"]
        lines += ["", "## Embedding 10,000 images of 28×28 with conv4", "", *head(
            "PyTorch ms", "tuned ms", "kindred ms", "ratio", "to tuned", "floor ms", "target"),
            row(ms(a), ms(t), ms(b), f"{a / b:.2f}", f"{t / b:.2f}",
                ms(floor(2 * 10_000 * (784 * 576 + 36864 * (196 + 49 + 9)))), verdict(a / b, 2))]
    if "growth" in stored:
        lines += growth_table(stored["growth"])
    if "mining" in stored:
        lines += mining_table(stored["mining"])
    return "\n".join(lines + NOTES) + "\n"


def loss_table(found, floor):
    lines = ["", "## Loss and gradient at B = 512, d = 128, four items a class", "",
             f"The floor of a loss over pairs is {ms(floor)} ms: half a product of 512×512×128 and a whole one.",
             "",
             *head("loss", "pytorch-metric-learning ms", "kindred ms", "ratio", "at least 3")]
    ratios, failing, absent = [], [], []
    for key in sorted(k for k in found if k.startswith("ours ")):
        name = key[5:]
        a, b = found.get("peer " + name), found[key]
        if a is None:
            absent.append(name)
            continue
        if not isinstance(a, (int, float)):
            failing.append(f"{name}: the peer fails ({a}).")
            continue
        ratios.append(a / b)
        lines.append(row(name, ms(a), ms(b), f"{a / b:.1f}",
                         "reached" if a / b >= 3 else "**missed**"))
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines += ["", f"Geometric mean: {mean:.1f} × (target: {verdict(mean, 30)})."]
    if absent:
        lines += ["", f"The peer has no class for {', '.join(absent)}."]
    return lines + failing


def mining_table(found):
    lines = ["", "## Miners at d = 128, four items a class", "",
             *head("miner", "B", "pytorch-metric-learning ms", "kindred ms", "ratio",
                   "peer MiB", "kindred MiB")]
    ratios = []
    for name in MINERS:
        for batch in (512, 2048):
            key = f"{name} {batch}"
            a, b = found.get(f"peer {key}"), found.get(f"ours {key}")
            if not isinstance(a, (int, float)) or b is None:
                lines.append(row(name, str(batch), f"fails ({a})", ms(b), "–", "–", "–"))
                continue
            ratios.append(a / b)
            lines.append(row(name, str(batch), ms(a), ms(b), f"{a / b:.1f}",
                             mib(found[f"peer memory {key}"]), mib(found[f"ours memory {key}"])))
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines += ["", f"Geometric mean: {mean:.1f} × (target: {verdict(mean, 10)}). The peer's",
                  "memory includes that of importing torch; it fails where 12 GiB do not suffice."]
    return lines


def growth_table(found):
    lines = ["", "## Cost as work grows", "", *head("work", "kindred ms", "peak MiB")]
    for name, (time_ms, peak) in found.items():
        kind, what, size = name.split()
        title = (f"step {what}, B = {size}" if kind == "step"
                 else f"{what}, B = 128, {int(size):,} classes")
        lines.append(row(title, ms(time_ms), mib(peak)))
    return lines + [
        "", "By operations, a step of conv4 is convolutions at every batch, and one of the MLP is its",
        "two layers; the distances of B² pairs are a fifth of it at B = 2048 and a third at 4096. A",
        "proxy loss is three products of B × classes × 128 and one pass over the logits, B × classes",
        "numbers, which are all that it keeps beside the proxies, their directions and their gradient",
        "(classes × 128 each); proxy-nca, by distances, keeps twice as many for the way back."]


NOTES = [
    "", "## How far the ratios can be trusted", "",
    "Losses are measured in turn with the peer, a fraction of a second each, and what counts is what was",
    "measured while products ran at 85 % of their best rate or more, or else the calmest of 24 tries: for",
    "losses, the share said above is that of the rate which was missing. For seconds at a time the host gives",
    "this machine's two virtual processors no more than one does, which a loss that is all products loses",
    "to, and the peer, much of whose time is the interpreter's on one thread, does not. At other times",
    "products keep their rate, but what one processor wrote takes the other longer to read:",
    "normalized-softmax takes 0.32 ms in most minutes and 0.44 in such, and its peer 1.0 to 1.1 and 1.4.", "",
    "instance takes 1.8 to 2.6 ms in the peer from one run to the next, and 0.61 to 0.65 here, of which half",
    "a product, with its exponentials, is 0.24 and the whole one of the gradient 0.33. normalized-softmax's",
    "three products of 512×128×128 are 0.26. Both are therefore near what this processor can do.", "",
    "Search varies most: top 101 was 1.33 and 1.74 × in two runs of an earlier program, 1.14 × (923 and",
    "808 ms) in one before its selection was made faster, 1.43 × (1,088 and 761 ms) after that in two",
    "rounds, and what the table shows in four more.",
]


def about():
    versions = run([PYTHON, "-c", (
        "import torch, faiss, numpy, importlib.metadata as m;"
        "print(f'torch {torch.__version__}, pytorch-metric-learning '"
        "f'{m.version(\"pytorch-metric-learning\")}, faiss-cpu {faiss.__version__}, '"
        "f'numpy {numpy.__version__}, Python {m.sys.version.split()[0]}')")]).strip()
    info = pathlib.Path("/proc/cpuinfo")
    model = next((line.split(":")[1].strip() for line in info.read_text().splitlines()
                  if line.startswith("model name")), None) if info.exists() else None
    swift = run(["swift", "--version"]).splitlines()[0]
    instructions = json.loads(run([KINDRED, "bench", "product", "--size", "8,8,8", "--json"]))
    return {
        "Processor": f"{model or platform.processor()}, {instructions['instructionSet']}, "
                     f"{platform.system()} {platform.machine()}",
        "kindred": f"{run([KINDRED, '--version']).split()[1]}, {swift}",
        "Peers": versions,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--stored", action="store_true")
    arguments = parser.parse_args()
    unknown = [s for s in arguments.sections if s not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]}; there are: {', '.join(SECTIONS)}")
    stored = json.loads(STORE.read_text()) if STORE.exists() else {}
    if not arguments.stored:
        environment()
        subprocess.run(["swift", "build", "-c", "release", "--product", "kindred"], check=True,
                       cwd=ROOT, stdout=subprocess.DEVNULL)
        stored["about"] = about()
        for name in arguments.sections or SECTIONS:
            print(f"compare: {name} ...", file=sys.stderr)
            others.clear()
            stored[name] = SECTIONS[name](arguments.rounds)
            stored.setdefault("others", {})[name] = [statistics.median(others), max(others)]
            STORE.write_text(json.dumps(stored, indent=1))
    text = render(stored)
    print(text)
    if not arguments.no_write:
        TABLE.write_text(text)


main()
