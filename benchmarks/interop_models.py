"""Models that kindred exports, opened by the runtimes that they are for; see interop.sh."""

import json

import numpy as np
import onnx
import onnxruntime
import safetensors
import safetensors.numpy

from interop_common import check, kindred

# Architectures beside that of the given run, each trained for a few steps.
OTHERS = [
    {"name": "linear", "embedding": 24},
    {"name": "adapter", "rank": 8},
    {"name": "mlp", "hidden": [40, 30], "embedding": 16, "normalize": False},
    {"name": "conv4", "width": 8, "blocks": 2, "embedding": 16},
]


def train(command, data, model, work, name):
    """A run of a few steps, which gives parameters and statistics that are not the first ones."""
    recipe = {"data": data, "model": model, "losses": [{"name": "contrastive"}],
              "sampler": {"name": "m-per-class", "classes": 4, "perClass": 4},
              "training": {"steps": 3}}
    path = work / f"{name}.json5"
    path.write_text(json.dumps(recipe))
    kindred(command, "train", path, "--out", work / name)
    return work / name


def compare_onnx(command, run, work, what):
    """onnxruntime's embeddings against ours, for batches of several sizes."""
    path = work / f"{what}.onnx"
    kindred(command, "export", run, "--format", "onnx", "--out", path)
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    check(True, f"{what}: onnx.checker accepts the model")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    needed = {"preprocessing", "normalization", "metric", "kindred", "dataHash", "inputShape"}
    check(needed <= set(metadata), f"{what}: the metadata are there")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shape = json.loads(metadata["inputShape"])
    random = np.random.default_rng(1)
    for batch in (1, 7):
        items = random.random((batch, *shape), dtype=np.float32)
        np.save(work / "items.npy", items.reshape(batch, -1))
        kindred(command, "embed", run, "--input", work / "items.npy", "--out", work / "E.npy")
        ours = np.load(work / "E.npy")
        theirs = session.run(None, {"input": items})[0]
        scale = max(1.0, float(np.abs(ours).max()))
        check(theirs.shape == ours.shape and np.abs(theirs - ours).max() < 1e-5 * scale,
              f"{what}: onnxruntime embeds {batch} items alike "
              f"(largest difference {np.abs(theirs - ours).max():.1e})")


def compare_safetensors(command, run, work):
    path = work / "model.safetensors"
    kindred(command, "export", run, "--format", "safetensors", "--out", path)
    with safetensors.safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
        check(all(np.isfinite(file.get_tensor(name)).all() for name in file.keys())
              and {"preprocessing", "normalization", "metric", "dataHash"} <= set(metadata),
              "the exported model's tensors and metadata")


def compare_dense_modules(command, run, work):
    """The modules of a sentence-transformers folder, applied by numpy, against our embeddings."""
    folder = work / "head"
    kindred(command, "export", run, "--format", "sentence-transformers", "--out", folder)
    items = np.random.default_rng(2).normal(size=(9, 12)).astype(np.float32)
    np.save(work / "vectors.npy", items)
    kindred(command, "embed", run, "--input", work / "vectors.npy", "--out", work / "E.npy")
    x = items
    for module in json.loads((folder / "modules.json").read_text()):
        if module["type"].endswith(".Normalize"):
            x = x / np.linalg.norm(x, axis=1, keepdims=True)
            continue
        configuration = json.loads((folder / module["path"] / "config.json").read_text())
        tensors = safetensors.numpy.load_file(folder / module["path"] / "model.safetensors")
        x = x @ tensors["linear.weight"].T + tensors.get("linear.bias", 0)
        if configuration["activation_function"].endswith("ReLU"):
            x = np.maximum(x, 0)
    check(np.abs(x - np.load(work / "E.npy")).max() < 1e-5, "sentence-transformers modules")


def compare(command, run, work):
    compare_onnx(command, run, work, "the given run")
    compare_safetensors(command, run, work)
    for model in OTHERS:
        other = train(command, {"name": "digits"}, model, work, model["name"])
        compare_onnx(command, other, work, model["name"])
    random = np.random.default_rng(3)
    np.save(work / "X.npy", random.normal(size=(200, 12)).astype(np.float32))
    np.save(work / "Y.npy", np.arange(200) % 10)
    data = {"name": "vectors", "embeddings": str(work / "X.npy"), "labels": str(work / "Y.npy")}
    model = {"name": "mlp", "hidden": [20], "embedding": 6}
    compare_dense_modules(command, train(command, data, model, work, "head-run"), work)
