"""Rewrites methods-raw.json (values of methods.py) in the same form as losses.json.

    python spell_methods.py methods-raw.json methods.json
"""
import json, sys
S = {  # case of methods.py: (loss as the command line spells it, parameters, extra input)
 "tcm": ("threshold-consistent-margin", {}, None),
 "tcm(m+=0.5,m-=0.0)": ("threshold-consistent-margin", {"positiveMargin": 0.5, "negativeMargin": 0.0}, None),
 "batch_hard(soft)": ("batch-hard-triplet", {"activation": "softplus"}, None),
 "batch_hard(0.2)": ("batch-hard-triplet", {"activation": "hinge", "margin": 0.2}, None),
 "batch_all(0.2)": ("batch-all-triplet", {"activation": "hinge", "margin": 0.2, "average": "all"}, None),
 "batch_all(0.2,nonzero)": ("batch-all-triplet", {"activation": "hinge", "margin": 0.2, "average": "non-zero"}, None),
 "batch_all(soft)": ("batch-all-triplet", {"activation": "softplus", "average": "all"}, None),
 "triplet_ratio(mse)": ("triplet-ratio", {}, None),
 "angular_proto": ("angular-prototypical", {"scale": 10, "bias": -5}, None),
 "prototypical": ("prototypical", {}, None),
 "ge2e(code clamp)": ("ge2e", {"scale": 10, "bias": -5, "clamp": True}, None),
 "ge2e(no clamp)": ("ge2e", {"scale": 10, "bias": -5, "clamp": False}, None),
 "contextual(total)": ("contextual", {}, None),
 "snr_contrastive(raw)": ("snr-contrastive", {"normalize": False}, None),
 "snr_contrastive(l2n)": ("snr-contrastive", {"normalize": True}, None),
 "snr_triplet(0.2,lam=.005)": ("snr-triplet", {"margin": 0.2, "regularization": 0.005}, None),
 "proto_triplet(shot1)": ("proto-triplet", {"margin": 0.5, "shots": 1}, None),
 "icnn(k=4)": ("icnn", {"neighbors": 4}, None),
 "icnn(k=2)": ("icnn", {"neighbors": 2}, None),
 "normalized_softmax(20)": ("normalized-softmax", {"temperature": 0.05}, "W"),
 "nbc_block": ("nbc", {}, None),
 "nbc_softmax": ("nbc", {"ratio": 0.5}, "W"),
 "ebv": ("equiangular-basis", {"temperature": 0.07}, "V"),
 "ebv(smooth 0.1)": ("equiangular-basis", {"temperature": 0.07, "labelSmoothing": 0.1}, "V"),
 "mf_contrastive": ("mean-field-contrastive", {"regularization": 0}, "W"),
 "mf_contrastive(reg=1)": ("mean-field-contrastive", {"regularization": 1}, "W"),
 "mf_cwms": ("mean-field-class-wise-multi-similarity", {"regularization": 0}, "W"),
 "mf_cwms(reg=1)": ("mean-field-class-wise-multi-similarity", {"regularization": 1}, "W"),
 "score_fl(cf)": ("submodular", {"function": "facility-location", "measure": "correlation"}, None),
 "score_fl(sf)": ("submodular", {"function": "facility-location", "measure": "information"}, None),
 "score_gc(cf)": ("submodular", {"function": "graph-cut", "measure": "correlation"}, None),
 "score_gc(sf)": ("submodular", {"function": "graph-cut", "measure": "information"}, None),
 "score_logdet(cf)": ("submodular", {"function": "log-determinant", "measure": "correlation"}, None),
 "score_logdet(sf)": ("submodular", {"function": "log-determinant", "measure": "information"}, None),
 "rkd_distance": ("relational-distillation", {"distanceWeight": 1, "angleWeight": 0}, "T"),
 "rkd_angle": ("relational-distillation", {"distanceWeight": 0, "angleWeight": 1}, "T"),
}
d = json.load(open(sys.argv[1])); out = []
for k, (loss, params, extra) in S.items():
    c = d["cases"][k]
    row = {"id": f"{loss}/{len(out)}", "loss": loss, "parameters": params, "embeddings": d["E"], "labels": d["y"], "value": c["value"], "gradient": c["grad"]}
    if extra: row["teacher" if extra == "T" else "weights"] = d[extra]
    out.append(row)
json.dump({"source": "methods.py, torch float64, from the formulas of methods-image.md", "cases": out}, open(sys.argv[2], "w"))
print(len(out), "cases")
