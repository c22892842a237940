"""Reference values for reducers, distances, regularizers and dynamic-soft-margin in float64.

    pip install "torch==2.13.0+cpu" pytorch-metric-learning==2.9.0
    python modifiers.py OUT_FILE

Every number is what pytorch-metric-learning computes; names and settings are spelled as the
command line spells them.
"""
import json, sys, torch
from pytorch_metric_learning import distances as D, losses as L, reducers as R, regularizers as G

torch.set_default_dtype(torch.float64)
LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
CLASSES, DIMENSION = 4, 5
WEIGHTS = [0.5, 2.0, 1.0, 3.0]


# Some of the peer's losses give a column, which its reducers multiply with a row of weights, or
# cannot put in a matrix; and it looks up the classes of proxy-anchor's proxies among the items'.
# What is meant is what is computed here, and what Documentation/Parity.md tells.
class ClassWeighted(R.ClassWeightedReducer):
    def element_reduction(self, losses, *rest):
        return super().element_reduction(losses.reshape(-1), *rest)

    def pos_pair_reduction(self, losses, *rest):
        return super().pos_pair_reduction(losses.reshape(-1), *rest)


class PerAnchor(R.PerAnchorReducer):
    def tuple_reduction_helper(self, losses, *rest):
        return super().tuple_reduction_helper(losses.reshape(-1), *rest)


def reducers():
    return [
        ("mean", lambda: R.MeanReducer()),
        ("sum", lambda: R.SumReducer()),
        ("avg-non-zero", lambda: R.AvgNonZeroReducer()),
        ({"name": "threshold", "low": 0.1, "high": 0.9}, lambda: R.ThresholdReducer(low=0.1, high=0.9)),
        ({"name": "threshold", "low": 0.4, "high": None}, lambda: R.ThresholdReducer(low=0.4)),
        ({"name": "class-weighted", "weights": WEIGHTS}, lambda: ClassWeighted(torch.tensor(WEIGHTS))),
        ("per-anchor", lambda: PerAnchor()),
        ({"name": "per-anchor", "reducer": "avg-non-zero"}, lambda: PerAnchor(R.AvgNonZeroReducer())),
        ("divisor", lambda: R.DivisorReducer()),
    ]


# name, settings, constructor from keywords, weight attribute, whether it is d x C
LOSSES = [
    ("contrastive", {}, lambda **k: L.ContrastiveLoss(**k), None, False),
    ("triplet-margin", {"margin": 0.2}, lambda **k: L.TripletMarginLoss(margin=0.2, **k), None, False),
    ("triplet-margin", {"margin": 0.2, "swap": True}, lambda **k: L.TripletMarginLoss(margin=0.2, swap=True, **k), None, False),
    ("margin", {}, lambda **k: L.MarginLoss(**k), None, False),
    ("multi-similarity", {}, lambda **k: L.MultiSimilarityLoss(**k), None, False),
    ("circle", {"gamma": 1}, lambda **k: L.CircleLoss(gamma=1, **k), None, False),
    ("nt-xent", {"temperature": 0.5}, lambda **k: L.NTXentLoss(temperature=0.5, **k), None, False),
    ("supervised-contrastive", {"temperature": 0.5}, lambda **k: L.SupConLoss(temperature=0.5, **k), None, False),
    ("lifted-structure", {}, lambda **k: L.LiftedStructureLoss(**k), None, False),
    ("generalized-lifted-structure", {}, lambda **k: L.GeneralizedLiftedStructureLoss(**k), None, False),
    ("intra-pair-variance", {}, lambda **k: L.IntraPairVarianceLoss(**k), None, False),
    ("tuplet-margin", {"scale": 4}, lambda **k: L.TupletMarginLoss(scale=4, **k), None, False),
    ("angular", {"parity": True}, lambda **k: L.AngularLoss(**k), None, False),
    ("fast-ap", {}, lambda **k: L.FastAPLoss(**k), None, False),
    ("n-pairs", {}, lambda **k: L.NPairsLoss(**k), None, False),
    ("ranked-list", {"margin": 0.4, "negativeTemperature": 10}, lambda **k: L.RankedListLoss(margin=0.4, Tn=10, **k), None, False),
    ("normalized-softmax", {"temperature": 0.5}, lambda **k: L.NormalizedSoftmaxLoss(CLASSES, DIMENSION, temperature=0.5, **k), "W", True),
    ("arc-face", {"scale": 4}, lambda **k: L.ArcFaceLoss(CLASSES, DIMENSION, scale=4, **k), "W", True),
    ("proxy-anchor", {"alpha": 2}, lambda **k: L.ProxyAnchorLoss(CLASSES, DIMENSION, alpha=2, **k), "proxies", False),
    ("proxy-nca", {}, lambda **k: L.ProxyNCALoss(CLASSES, DIMENSION, **k), "proxies", False),
]

DISTANCES = [
    ({"distance": "euclidean", "p": 1}, lambda: D.LpDistance(p=1)),
    ({"distance": "euclidean", "p": 3, "power": 2}, lambda: D.LpDistance(p=3, power=2)),
    ({"distance": "euclidean", "p": 1.5, "normalize": False}, lambda: D.LpDistance(p=1.5, normalize_embeddings=False)),
    ({"distance": "euclidean", "power": 3}, lambda: D.LpDistance(power=3)),
    ({"distance": "squared-euclidean", "normalize": False}, lambda: D.LpDistance(power=2, normalize_embeddings=False)),
    ({"distance": "dot", "normalize": False}, lambda: D.DotProductSimilarity(normalize_embeddings=False)),
    ({"distance": "snr"}, lambda: D.SNRDistance()),
]
MEASURED = [
    ("contrastive", lambda **k: L.ContrastiveLoss(**k), None),
    ("triplet-margin", lambda **k: L.TripletMarginLoss(**k), None),
    ("multi-similarity", lambda **k: L.MultiSimilarityLoss(**k), None),
    ("margin", lambda **k: L.MarginLoss(**k), None),
    ("lifted-structure", lambda **k: L.LiftedStructureLoss(**k), None),
    ("nca", lambda **k: L.NCALoss(**k), None),
    ("proxy-nca", lambda **k: L.ProxyNCALoss(CLASSES, DIMENSION, **k), "proxies"),
]

REGULARIZERS = [
    ({"name": "lp"}, lambda: G.LpRegularizer()),
    ({"name": "lp", "p": 1.5, "power": 2}, lambda: G.LpRegularizer(p=1.5, power=2)),
    ({"name": "zero-mean"}, lambda: G.ZeroMeanRegularizer()),
    ({"name": "center-invariant", "of": "weights"}, lambda: G.CenterInvariantRegularizer()),
    ({"name": "regular-face", "of": "weights"}, lambda: G.RegularFaceRegularizer()),
]


def embeddings(seed):
    return torch.randn(len(LABELS), DIMENSION, generator=torch.Generator().manual_seed(seed))


def case(name, settings, loss, weight=None, transposed=False, seed=0):
    e, x = embeddings(seed), embeddings(seed).requires_grad_(True)
    w = getattr(loss.double(), weight) if weight else None
    if w is not None:
        with torch.no_grad():
            w.copy_(torch.randn(w.shape, generator=torch.Generator().manual_seed(seed + 77)))
    value = loss(x, LABELS)
    value.backward()
    row = {"id": f"{name} {json.dumps(settings)}", "loss": name, "parameters": settings,
           "embeddings": e.tolist(), "labels": LABELS.tolist(), "value": value.item(),
           "gradient": x.grad.tolist()}
    if w is not None:
        t = (lambda z: z.t()) if transposed else (lambda z: z)
        row["weights"], row["weightGradient"] = t(w.detach()).tolist(), t(w.grad).tolist()
    return row


def cases():
    for name, settings, make, weight, transposed in LOSSES:
        for reducer, reduce in reducers():
            if name == "proxy-anchor" and "weights" in reducer:
                continue
            try:
                yield case(name, {**settings, "reducer": reducer}, make(reducer=reduce()), weight, transposed)
            except Exception as problem:
                print("skipped", name, reducer, type(problem).__name__, str(problem)[:80])
    for distance, measure in DISTANCES:
        for name, make, weight in MEASURED:
            yield case(name, distance, make(distance=measure()), weight, seed=3)
    for settings, make in REGULARIZERS:
        own = {**settings, "weight": 0.7}
        key = "weight" if settings.get("of") == "weights" else "embedding"
        extra = {f"{key}_regularizer": make(), f"{key}_reg_weight": 0.7}
        yield case("normalized-softmax", {"temperature": 0.5, "modifiers": [own]},
                   L.NormalizedSoftmaxLoss(CLASSES, DIMENSION, temperature=0.5, **extra), "W", True, seed=5)
        if key == "embedding":
            yield case("contrastive", {"modifiers": [own]}, L.ContrastiveLoss(**extra), seed=5)
    yield case("soft-triple", {"centersPerClass": 3, "modifiers": [{"name": "sparse-centers", "of": "weights", "weight": 0.7}]},
               L.SoftTripleLoss(CLASSES, DIMENSION, centers_per_class=3, weight_regularizer=G.SparseCentersRegularizer(CLASSES, 3), weight_reg_weight=0.7), "fc", True, seed=5)


def dynamic():
    """Two fresh losses, and the values of three steps: the peer cannot go back through a second."""
    rows = [case("dynamic-soft-margin", {}, L.DynamicSoftMarginLoss(), seed=8),
            case("dynamic-soft-margin", {"minimum": -1.5, "bins": 7}, L.DynamicSoftMarginLoss(min_val=-1.5, num_bins=7), seed=9)]
    loss, steps = L.DynamicSoftMarginLoss(momentum=0.3), []
    with torch.no_grad():
        for seed in (11, 12, 13):
            steps.append({"embeddings": embeddings(seed).tolist(), "value": loss(embeddings(seed), LABELS).item(),
                          "histogram": loss.hist_.tolist()})
    return rows, steps


rows, steps = dynamic()
with open(sys.argv[1], "w") as file:
    json.dump({"source": "pytorch-metric-learning 2.9.0 on torch 2.13.0, float64",
               "cases": list(cases()), "dynamic": rows,
               "dynamicSteps": {"momentum": 0.3, "labels": LABELS.tolist(), "steps": steps}}, file)
