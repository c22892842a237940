"""Measures the Python peers; run by compare.py in its virtual environment, prints JSON.

usage: peer.py product|step|losses|miners|search|embed|bandwidth THREADS [NAME ...]
       peer.py answers THREADS

"answers" reads names of losses, a line each, and answers with a line of milliseconds, or why there are
none; "rate" asks for the rate of a product in GFLOP/s, "names" for all names.
"""

import json
import resource
import statistics
import sys
import time

# What `kindred bench losses` calls each loss of pytorch-metric-learning, and how to make it with
# its defaults for C classes of D dimensions.
LOSSES = {
    "angular": lambda l, d, c, n: l.AngularLoss(),
    "arc-face": lambda l, d, c, n: l.ArcFaceLoss(c, n),
    "circle": lambda l, d, c, n: l.CircleLoss(),
    "contrastive": lambda l, d, c, n: l.ContrastiveLoss(),
    "cos-face": lambda l, d, c, n: l.CosFaceLoss(c, n),
    "dynamic-soft-margin": lambda l, d, c, n: l.DynamicSoftMarginLoss(),
    "fast-ap": lambda l, d, c, n: l.FastAPLoss(),
    "generalized-lifted-structure": lambda l, d, c, n: l.GeneralizedLiftedStructureLoss(),
    "histogram": lambda l, d, c, n: l.HistogramLoss(n_bins=100),
    "instance": lambda l, d, c, n: l.InstanceLoss(),
    "intra-pair-variance": lambda l, d, c, n: l.IntraPairVarianceLoss(),
    "large-margin-softmax": lambda l, d, c, n: l.LargeMarginSoftmaxLoss(c, n),
    "lifted-structure": lambda l, d, c, n: l.LiftedStructureLoss(),
    "margin": lambda l, d, c, n: l.MarginLoss(),
    "multi-similarity": lambda l, d, c, n: l.MultiSimilarityLoss(),
    "n-pairs": lambda l, d, c, n: l.NPairsLoss(),
    "nca": lambda l, d, c, n: l.NCALoss(),
    "normalized-softmax": lambda l, d, c, n: l.NormalizedSoftmaxLoss(c, n),
    "nt-xent": lambda l, d, c, n: l.NTXentLoss(),
    "p2s-grad": lambda l, d, c, n: l.P2SGradLoss(n, c),
    "pnp": lambda l, d, c, n: l.PNPLoss(),
    "proxy-anchor": lambda l, d, c, n: l.ProxyAnchorLoss(c, n),
    "proxy-nca": lambda l, d, c, n: l.ProxyNCALoss(c, n),
    "ranked-list": lambda l, d, c, n: l.RankedListLoss(margin=1, Tn=1),
    "smooth-ap": lambda l, d, c, n: l.SmoothAPLoss(),
    "snr-contrastive": lambda l, d, c, n: l.ContrastiveLoss(
        distance=d.SNRDistance(), pos_margin=0, neg_margin=1
    ),
    "snr-triplet": lambda l, d, c, n: l.TripletMarginLoss(
        distance=d.SNRDistance(), margin=0.2
    ),
    "soft-triple": lambda l, d, c, n: l.SoftTripleLoss(c, n),
    "sphere-face": lambda l, d, c, n: l.SphereFaceLoss(c, n),
    "sub-center-arc-face": lambda l, d, c, n: l.SubCenterArcFaceLoss(
        num_classes=c, embedding_size=n
    ),
    "supervised-contrastive": lambda l, d, c, n: l.SupConLoss(),
    "threshold-consistent-margin": lambda l, d, c, n: l.ThresholdConsistentMarginLoss(),
    "triplet-margin": lambda l, d, c, n: l.TripletMarginLoss(),
    "tuplet-margin": lambda l, d, c, n: l.TupletMarginLoss(),
    "vicreg": lambda l, d, c, n: TwoViews(l.VICRegLoss()),
}


class TwoViews:
    """Every second item as the other view of the one before it, as in `kindred bench losses`."""

    def __init__(self, loss):
        self.loss, self.zero_grad = loss, loss.zero_grad

    def __call__(self, embeddings, labels):
        return self.loss(embeddings[0::2], ref_emb=embeddings[1::2])


def median_ms(work, budget, fewest=5, slow=4.0):
    """The median of repeated calls; a call slower than `slow` seconds is the only one."""
    start = time.perf_counter()
    work()
    first = time.perf_counter() - start
    if first > slow:
        return first * 1e3
    work()
    times = []
    start = time.perf_counter()
    while len(times) < fewest or time.perf_counter() - start < budget:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
        if sum(times) > 3 * budget and len(times) >= 2:
            break
    return statistics.median(times) * 1e3


def products(torch, sizes):
    for size in sizes:
        m, k, n = (int(x) for x in size.split(","))
        a, b = torch.rand(m, k), torch.rand(k, n)
        out = torch.empty(m, n)
        with torch.inference_mode():
            yield size, median_ms(lambda: torch.mm(a, b, out=out), 1)


def conv4(torch, last=64):
    layers, channels = [], 1
    for _ in range(4):
        layers += [
            torch.nn.Conv2d(channels, 64, 3, padding=1, bias=False),
            torch.nn.BatchNorm2d(64),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
        ]
        channels = 64
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(64, last))


def steps(torch, names):
    from pytorch_metric_learning import losses, miners

    class Adapter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.down = torch.nn.Linear(768, 64, bias=False)
            self.up = torch.nn.Linear(64, 768, bias=False)

        def forward(self, x):
            return x + self.up(self.down(x))

    def mlp():
        return torch.nn.Sequential(
            torch.nn.Linear(768, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 128)
        )

    for name in names:
        base, _, variant = name.partition("+")
        model, batch, shape = {
            "conv4": (lambda: conv4(torch), 128, [1, 28, 28]),
            "mlp": (mlp, 512, [768]),
            "mlp-multi-similarity": (mlp, 512, [768]),
            "linear": (lambda: torch.nn.Linear(768, 768), 256, [768]),
            "adapter": (Adapter, 256, [768]),
        }[base]
        model = model()
        inputs, labels = torch.randn(batch, *shape), torch.arange(batch) // 4
        tuned = variant == "tuned"
        if tuned and base == "conv4":
            model = model.to(memory_format=torch.channels_last)
            inputs = inputs.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True if tuned else None)
        if base == "mlp-multi-similarity":
            loss, miner = losses.MultiSimilarityLoss(), miners.MultiSimilarityMiner()
        else:
            loss, miner = losses.TripletMarginLoss(margin=0.2), miners.BatchHardMiner()

        def step():
            embeddings = torch.nn.functional.normalize(model(inputs))
            value = loss(embeddings, labels, miner(embeddings, labels))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

        yield name, median_ms(step, 2)


def loss_times(torch, names, budget=0.4):
    from pytorch_metric_learning import distances, losses

    batch, width = 512, 128
    labels = torch.arange(batch) // 4
    points = torch.randn(batch, width)
    for name in names or LOSSES:
        if name not in LOSSES:
            yield name, None
            continue
        try:
            loss = LOSSES[name](losses, distances, batch // 4, width)
            embeddings = points.clone().requires_grad_(True)

            def work():
                embeddings.grad = None
                loss.zero_grad()
                if hasattr(loss, "hist_"):  # The peer goes back through earlier batches, and fails.
                    loss.hist_ = loss.hist_.detach()
                loss(embeddings, labels).backward()

            yield name, median_ms(work, budget)
        except Exception as error:  # A peer that fails is said to fail.
            yield name, f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"


def answers(torch):
    """Answers one question after another, so that a measurement need not wait for the import."""
    a, b = torch.rand(512, 512), torch.rand(512, 512)
    out = torch.empty(512, 512)
    for line in sys.stdin:
        name = line.strip()
        if name == "names":
            result = list(LOSSES)
        elif name == "rate":
            with torch.inference_mode():
                result = 2 * 512**3 / median_ms(lambda: torch.mm(a, b, out=out), 0.02) / 1e6
        else:
            result = dict(loss_times(torch, [name], budget=0.15))[name]
        print(json.dumps(result), flush=True)


# What `kindred bench miners` calls each miner of pytorch-metric-learning, and how to make it with
# the same settings.
MINERS = {
    "angular": lambda m, d: m.AngularMiner(angle=20),
    "batch-easy-hard": lambda m, d: m.BatchEasyHardMiner(),
    "batch-hard": lambda m, d: m.BatchHardMiner(),
    "distance-weighted": lambda m, d: m.DistanceWeightedMiner(cutoff=0.5,
                                                              nonzero_loss_cutoff=1.4),
    "hdc": lambda m, d: m.HDCMiner(filter_percentage=0.5),
    "multi-similarity": lambda m, d: m.MultiSimilarityMiner(epsilon=0.1),
    "pair-margin": lambda m, d: m.PairMarginMiner(pos_margin=0.2, neg_margin=0.8),
    "triplet-margin": lambda m, d: m.TripletMarginMiner(margin=0.2),
    "uniform-histogram": lambda m, d: m.UniformHistogramMiner(
        num_bins=100, pos_per_bin=10, neg_per_bin=10),
}


def miner_times(torch, names):
    """Each NAME is a miner and a batch size, as in "hdc,512"."""
    from pytorch_metric_learning import distances, miners

    # Some list all batch³ triplets; without a limit they would take the machine down with them.
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    for name in names:
        miner, batch = name.split(",")[0], int(name.split(",")[1])
        labels = torch.arange(batch) // 4
        points = torch.randn(batch, 128)
        try:
            made = MINERS[miner](miners, distances)
            yield name, median_ms(lambda: made(points, labels), 0.4)
        except Exception as error:  # A peer that fails is said to fail.
            yield name, f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"


def embed(torch):
    model = conv4(torch).eval()
    for name, layout in [
        ("embed", torch.contiguous_format),
        ("embed+tuned", torch.channels_last),
    ]:
        net = model.to(memory_format=layout)
        images = torch.randn(250, 1, 28, 28).to(memory_format=layout)

        def work():
            with torch.inference_mode():
                for _ in range(40):
                    torch.nn.functional.normalize(net(images))

        yield name, median_ms(work, 4, fewest=3, slow=20)


def search(threads):
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(threads)
    vectors = np.random.default_rng(7).standard_normal((20_000, 128)).astype(np.float32)
    faiss.normalize_L2(vectors)
    index = faiss.IndexFlatIP(128)
    index.add(vectors)
    for top in (1, 101):
        yield str(top), median_ms(lambda: index.search(vectors, top), 3, fewest=3)


def bandwidth(torch):
    """Bytes read and written a second by a copy of 256 MiB."""
    a, b = torch.ones(1 << 26), torch.empty(1 << 26)
    ms = median_ms(lambda: b.copy_(a), 1)
    yield "bytesPerSecond", 2 * 4 * (1 << 26) / (ms * 1e-3)


def main():
    what, threads, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if what == "search":
        results = dict(search(threads))
    else:
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(5)
        if what == "answers":
            return answers(torch)
        results = dict(
            {
                "product": lambda: products(torch, names),
                "step": lambda: steps(torch, names),
                "losses": lambda: loss_times(torch, names),
                "miners": lambda: miner_times(torch, names),
                "embed": lambda: embed(torch),
                "bandwidth": lambda: bandwidth(torch),
            }[what]()
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"results": results, "peakMemory": peak}))


main()
