"""Compares `kindred loss` with pytorch-metric-learning on batches drawn anew.

    python losses_peer.py KINDRED FOLDER SEED BATCHES

For every loss that both have: random shapes, settings and class sizes (singletons among them), all
tuples, mined tuples and a reference set; the value, the gradient in the embeddings and in the
weights, float64, within 1e-9 of the largest number. Exit status 1 if one differs.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import torch
from pytorch_metric_learning import distances as D
from pytorch_metric_learning import losses as L
from pytorch_metric_learning import miners as M

torch.set_default_dtype(torch.float64)
TOLERANCE = 1e-9
TOLERANCES = {
    "circle": 1e-8,  # torch's softplus(x) is x for x > 20
    "p2s-grad": 1e-6,  # weights are scaled to a length of 1 - 1e-7
}


class Peer:
    """A loss of the peer: how it is made, and what it takes."""

    def __init__(self, make, weight=None, transposed=True, mined=True, references=True):
        self.make, self.weight, self.transposed = make, weight, transposed
        self.mined, self.references = mined, references


DISTANCES = {
    "euclidean": D.LpDistance,
    "squared-euclidean": lambda **s: D.LpDistance(power=2, **s),
    "cosine": D.CosineSimilarity,
    "dot": D.DotProductSimilarity,
    "snr": D.SNRDistance,
}


def measured(random, names=("euclidean", "squared-euclidean", "cosine", "dot", "snr")):
    """The settings of a distance drawn at random, and the peer's distance."""
    name = random.choice(names)
    normalize = bool(name == "cosine" or random.integers(2))
    its = {} if name == "cosine" else {"normalize_embeddings": normalize}
    return {"distance": str(name), "normalize": normalize}, DISTANCES[name](**its)


def plain(constructor, settings, drawn=(), **options):
    """A loss whose settings, named (ours, the peer's, low, high), are drawn at random."""

    def make(random, classes, width):
        ours, its = {}, {}
        for name, peer_name, low, high in settings:
            value = (
                int(random.integers(low, high + 1))
                if isinstance(low, int)
                else round(float(random.uniform(low, high)), 3)
            )
            ours[name] = its[peer_name] = value
        if drawn:
            distance, its["distance"] = measured(random, drawn)
            ours.update(distance)
        if options.get("weight"):
            its.update(num_classes=classes, embedding_size=width)
        return ours, constructor(**its)

    kept = {k: v for k, v in options.items()}
    return Peer(make, **kept)


ANY = ("euclidean", "squared-euclidean", "cosine", "dot", "snr")
SIMILAR = ("cosine",)


def triplet(random, classes, width, references=False):
    distance, its = measured(random)
    # With references the peer swaps with rows of the batch.
    kind = random.choice(["hinge", "swap", "smooth", "both"][:: 2 if references else 1])
    ours = {"margin": 0.3, "swap": kind in ("swap", "both"), "smooth": kind in ("smooth", "both")}
    loss = L.TripletMarginLoss(0.3, swap=ours["swap"], smooth_loss=ours["smooth"], distance=its)
    return {**ours, **distance}, loss


def margin(random, classes, width):
    ours = {"margin": 0.3, "nu": 0.2, "beta": 0.9, "learnBeta": bool(random.integers(2))}
    ours["betaPerClass"] = bool(ours["learnBeta"] and random.integers(2))
    return ours, L.MarginLoss(
        0.3, 0.2, 0.9, learn_beta=ours["learnBeta"],
        num_classes=classes if ours["betaPerClass"] else None,
    )


def pnp(random, classes, width):
    variant = str(random.choice(["O", "Ds", "Dq", "Iu", "Ib"]))
    return {"variant": variant, "anneal": 0.05}, L.PNPLoss(variant=variant, anneal=0.05)


def sub_center(random, classes, width):
    ours = {"margin": 20.0, "scale": 16.0, "subCenters": 3}
    return ours, L.SubCenterArcFaceLoss(
        num_classes=classes, embedding_size=width, margin=20.0, scale=16.0, sub_centers=3
    )


def fixed(ours, make):
    return lambda random, classes, width: (ours, make(classes, width))


PEERS = {
    "angular": Peer(fixed({"alpha": 35, "parity": True}, lambda c, d: L.AngularLoss(35))),
    "arc-face": plain(
        L.ArcFaceLoss, [("margin", "margin", 5.0, 50.0), ("scale", "scale", 4.0, 64.0)],
        weight="W", references=False),
    "circle": plain(L.CircleLoss, [("margin", "m", 0.1, 0.5), ("gamma", "gamma", 5.0, 90.0)]),
    "contrastive": plain(
        L.ContrastiveLoss,
        [("positiveMargin", "pos_margin", 0.0, 0.5), ("negativeMargin", "neg_margin", 0.2, 1.5)],
        ANY),
    "cos-face": plain(
        L.CosFaceLoss, [("margin", "margin", 0.1, 0.6), ("scale", "scale", 4.0, 64.0)],
        weight="W", references=False),
    "fast-ap": plain(L.FastAPLoss, [("bins", "num_bins", 4, 20)], references=False),
    "generalized-lifted-structure": plain(
        L.GeneralizedLiftedStructureLoss,
        [("negativeMargin", "neg_margin", 0.2, 1.5), ("positiveMargin", "pos_margin", 0.0, 0.5)],
        ANY),
    "histogram": plain(L.HistogramLoss, [("bins", "n_bins", 5, 100)], references=False),
    "instance": Peer(
        fixed({"gamma": 9, "parity": True}, lambda c, d: L.InstanceLoss(9)),
        mined=False, references=False),
    "intra-pair-variance": plain(
        L.IntraPairVarianceLoss,
        [("positiveEpsilon", "pos_eps", 0.0, 0.2), ("negativeEpsilon", "neg_eps", 0.0, 0.2)]),
    "large-margin-softmax": plain(
        L.LargeMarginSoftmaxLoss, [("margin", "margin", 2, 5), ("scale", "scale", 0.5, 2.0)],
        weight="W", references=False),
    "lifted-structure": plain(
        L.LiftedStructureLoss,
        [("negativeMargin", "neg_margin", 0.2, 1.5), ("positiveMargin", "pos_margin", 0.0, 0.5)],
        ("euclidean", "squared-euclidean", "cosine", "dot"), references=False),
    "margin": Peer(margin),
    "multi-similarity": plain(
        L.MultiSimilarityLoss,
        [("alpha", "alpha", 0.5, 9.0), ("beta", "beta", 5.0, 60.0), ("base", "base", 0.1, 0.8)],
        SIMILAR),
    "n-pairs": plain(L.NPairsLoss, [], ("dot", "cosine"), references=False),
    "nca": plain(L.NCALoss, [("softmaxScale", "softmax_scale", 0.5, 9.0)], ("squared-euclidean",)),
    "normalized-softmax": plain(
        L.NormalizedSoftmaxLoss, [("temperature", "temperature", 0.02, 0.5)],
        weight="W", references=False),
    "nt-xent": plain(L.NTXentLoss, [("temperature", "temperature", 0.05, 1.0)], SIMILAR),
    "p2s-grad": Peer(
        fixed({}, lambda c, d: L.P2SGradLoss(d, c)), weight="weight", mined=False,
        references=False),
    "pnp": Peer(pnp, mined=False, references=False),
    "proxy-anchor": plain(
        L.ProxyAnchorLoss, [("margin", "margin", 0.0, 0.3), ("alpha", "alpha", 4.0, 40.0)],
        weight="proxies", transposed=False, references=False),
    "proxy-nca": plain(
        L.ProxyNCALoss, [("softmaxScale", "softmax_scale", 0.5, 9.0)],
        weight="proxies", transposed=False, references=False),
    "ranked-list": plain(
        L.RankedListLoss,
        [("margin", "margin", 0.2, 1.0), ("negativeTemperature", "Tn", 0.0, 12.0),
         ("positiveTemperature", "Tp", 0.0, 5.0), ("imbalance", "imbalance", 0.1, 0.9)],
        mined=False, references=False),
    "smooth-ap": Peer(
        fixed({"temperature": 0.05, "parity": True}, lambda c, d: L.SmoothAPLoss(0.05)),
        references=False),
    "snr-contrastive": plain(
        L.SignalToNoiseRatioContrastiveLoss,
        [("positiveMargin", "pos_margin", 0.0, 0.2), ("negativeMargin", "neg_margin", 0.5, 1.5)]),
    "soft-triple": Peer(
        fixed({"centersPerClass": 3, "lambda": 8, "gamma": 0.2, "margin": 0.05},
              lambda c, d: L.SoftTripleLoss(c, d, centers_per_class=3, la=8, gamma=0.2,
                                            margin=0.05)),
        weight="fc", references=False),
    "sphere-face": plain(
        L.SphereFaceLoss, [("margin", "margin", 2, 5), ("scale", "scale", 0.5, 2.0)],
        weight="W", references=False),
    "sub-center-arc-face": Peer(sub_center, weight="W", references=False),
    "supervised-contrastive": plain(
        L.SupConLoss, [("temperature", "temperature", 0.05, 1.0)], SIMILAR),
    "threshold-consistent-margin": plain(
        L.ThresholdConsistentMarginLoss,
        [("positiveWeight", "lambda_plus", 0.2, 2.0), ("negativeWeight", "lambda_minus", 0.2, 2.0),
         ("positiveMargin", "margin_plus", 0.3, 0.9), ("negativeMargin", "margin_minus", 0.0, 0.6)],
        references=False),
    "triplet-margin": Peer(triplet),
    "tuplet-margin": plain(
        L.TupletMarginLoss, [("margin", "margin", 2.0, 12.0), ("scale", "scale", 8.0, 64.0)]),
    "vicreg": Peer(fixed({}, lambda c, d: L.VICRegLoss()), mined=False),
}

MINERS = {
    "multi-similarity": ({"epsilon": 0.2}, lambda: M.MultiSimilarityMiner(0.2)),
    "batch-hard": ({}, M.BatchHardMiner),
    "pair-margin": ({}, M.PairMarginMiner),
    "triplet-margin": ({"margin": 0.3}, lambda: M.TripletMarginMiner(0.3)),
}


def labels(random, count, even):
    """Classes of the same size in order, or uneven ones with singletons in any order."""
    if even:
        return np.repeat(np.arange(max(1, count // 4)), 4)
    classes = int(random.integers(2, max(3, count // 2)))
    y = random.integers(0, classes, count)
    y[-2:] = [classes, classes + 1]
    return random.permutation(np.unique(y, return_inverse=True)[1])


class Case:
    def __init__(self, name, random, kind):
        self.name, self.kind, peer = name, kind, PEERS[name]
        count, width = int(random.integers(6, 40)), int(random.integers(2, 24))
        self.y = labels(random, count, even=name == "smooth-ap")
        self.x = random.standard_normal((len(self.y), width)) * random.choice([0.3, 1, 4])
        classes = int(self.y.max()) + 1
        options = {"references": True} if name == "triplet-margin" and kind == "references" else {}
        self.parameters, self.loss = peer.make(random, classes, width, **options)
        self.w = None
        if peer.weight:
            parameter = getattr(self.loss, peer.weight)
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(random.standard_normal(parameter.shape)))
            self.w = parameter
        self.references = None
        if kind == "references":
            rows = len(self.y) if name == "vicreg" else int(random.integers(5, 40))
            h = self.y.copy() if name == "vicreg" else random.integers(0, classes, rows)
            self.references = random.standard_normal((rows, width)), h
        self.miner = None
        if kind == "mined":
            # The peer sorts the pairs of its multi-similarity miner, and n-pairs takes the first.
            self.miner = str(random.choice(list(MINERS)[name == "n-pairs" :]))

    def peer(self):
        torch.manual_seed(0)
        x = torch.from_numpy(self.x).requires_grad_(True)
        y = torch.from_numpy(self.y)
        tuples = MINERS[self.miner][1]()(x, y) if self.miner else None
        options = {"indices_tuple": tuples} if tuples else {}
        if self.references:
            options["ref_emb"] = torch.from_numpy(self.references[0])
            if self.name != "vicreg":
                options["ref_labels"] = torch.from_numpy(self.references[1])
        value = self.loss(x, **options) if self.name == "vicreg" else self.loss(x, y, **options)
        value.backward()
        gradient = None
        # The gradient of p2s-grad is that in weights of length 1, before they are scaled so.
        if self.w is not None and self.name != "p2s-grad":
            gradient = self.w.grad.numpy()
            gradient = gradient.T if PEERS[self.name].transposed else gradient
        return value.item(), x.grad.numpy(), gradient

    def ours(self, kindred, folder):
        def file(name, array):
            np.save(folder / name, np.ascontiguousarray(array))
            return str(folder / name)

        command = [
            kindred, "loss", self.name, "--json", "--params", json.dumps(self.parameters),
            "--embeddings", file("e.npy", self.x), "--labels", file("y.npy", self.y.astype(int)),
            "--gradient", str(folder / "g.npy"),
        ]
        if self.w is not None:
            weights = self.w.detach().numpy()
            weights = weights.T if PEERS[self.name].transposed else weights
            command += ["--weights", file("w.npy", weights)]
            command += ["--weight-gradient", str(folder / "v.npy")]
        if self.references:
            command += ["--gallery", file("r.npy", self.references[0])]
            command += ["--gallery-labels", file("h.npy", self.references[1].astype(int))]
        if self.miner:
            command += ["--miner", self.miner]
            command += ["--miner-params", json.dumps(MINERS[self.miner][0])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        value = json.loads(done.stdout)["value"]
        weights = np.load(folder / "v.npy") if self.w is not None else None
        return value, np.load(folder / "g.npy"), weights

    def __str__(self):
        shape = "×".join(map(str, self.x.shape))
        extra = f" {self.miner}" if self.miner else ""
        return f"{self.name} {shape} {self.kind}{extra} {json.dumps(self.parameters)}"


def error(found, expected):
    """The largest difference relative to the largest number expected, or to 1e-6."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-6))


def main():
    kindred, folder, seed, batches = sys.argv[1:]
    folder = pathlib.Path(folder)
    compared, skipped, wrong = 0, [], []
    for number, (name, peer) in enumerate(sorted(PEERS.items())):
        worst = 0.0
        for batch in range(int(batches)):
            kinds = ["all"] + ["mined"] * peer.mined + ["references"] * peer.references
            random = np.random.default_rng([int(seed), number, batch])
            case = Case(name, random, "references" if name == "vicreg" else kinds[batch % len(kinds)])
            try:
                expected = case.peer()
                if not all(np.isfinite(x).all() for x in expected if x is not None):
                    raise ValueError("not finite")
            except Exception as problem:
                skipped.append(f"{case}: {type(problem).__name__} {str(problem)[:70]}")
                continue
            try:
                found = case.ours(kindred, folder)
                errors = [error(a, b) for a, b in zip(found, expected) if b is not None]
            except RuntimeError as problem:
                wrong.append(f"{case}: {problem}")
                continue
            compared += 1
            worst = max([worst, *errors])
            if max(errors) > TOLERANCES.get(name, TOLERANCE):
                wrong.append(f"{case}: {errors} value {found[0]} for {expected[0]}")
        print(f"{name:32}{worst:9.1e}")
    for line in skipped:
        print("the peer cannot:", line)
    for line in wrong:
        print("DIFFERS:", line)
    print(f"{compared} batches compared, {len(wrong)} differ, {len(skipped)} the peer cannot")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
