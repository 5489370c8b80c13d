#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the example models with golden inputs and outputs: generate.py OUTDIR

Weights are seeded; nothing is fetched. Golden outputs come from reference.py (numpy, float64), not
from a runtime. An int8 model is calibrated: the fp32 model's activations over one shot of each
scene give each range; the golden images are other shots. The generator checks its own quantisation: the int8 model's probabilities must
have a cosine of at least COSINE_MIN with fp32's on every golden image.
"""

import os
import sys
import time

import numpy as np

import networks
from graph import write_model, write_tensor
from reference import evaluate

SEED = 20260101
SCENES = 16
COSINE_MIN = 0.99


def image(scene, shot):
    """A seeded image with the spectrum of pictures rather than of noise: coarse patches that make
    the scene, and finer ones that differ from shot to shot. Zero mean, unit deviation."""
    x = np.zeros((1, 3, networks.IMAGE, networks.IMAGE))
    layers = [(4, 0.3, [SEED, scene]), (14, 1.0, [SEED, scene, 1])]
    layers += [(56, 0.1, [SEED, scene, 2, shot]), (224, 0.05, [SEED, scene, 3, shot])]
    for size, weight, seed in layers:
        patch = np.random.RandomState(seed).standard_normal((1, 3, size, size)) * weight
        x += np.kron(patch, np.ones((networks.IMAGE // size,) * 2))
    x = (x - x.mean()) / x.std()
    return np.clip(np.rint(x * 64) / 64, -3, 3).astype(np.float32)


def calibrate(model):
    """Range of every value that a node computes, and of the input, over seeded images."""
    ranges = {}
    for scene in range(SCENES):
        values = evaluate(model, {"input": image(scene, 0)})
        for name in ["input"] + [n.output[0] for n in model.graph.node]:
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, values[name].min()), max(high, values[name].max()))
    return {k: (networks.rounded(low), networks.rounded(high)) for k, (low, high) in ranges.items()}


def cosine(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def golden_images(out, name, fp32, int8, count):
    """Writes count cases for both variants; returns the worst cosine between the two, how
    often their first answers agree, and how often fp32 knows the scene."""
    worst, same, right = 1.0, 0, 0
    for i in range(count):
        x = image(i, 1)
        a = evaluate(fp32, {"input": x}, {"probs"})["probs"]
        b = evaluate(int8, {"input": x}, {"probs"})["probs"]
        worst = min(worst, cosine(a, b))
        same += int(a.argmax() == b.argmax())
        right += int(a.argmax() == i)
        write_tensor(f"{out}/golden/{name}/input_{i}.pb", "input", x)
        write_tensor(f"{out}/golden/{name}/fp32_{i}.pb", "probs", a.astype(np.float32))
        write_tensor(f"{out}/golden/{name}/int8_{i}.pb", "probs", b.astype(np.float32))
    return worst, same, right


def make_classifier(out, name, build, alpha, cases):
    weights = networks.Weights(SEED)
    batch = np.concatenate([image(scene, 0) for scene in range(SCENES)]).astype(np.float64)
    build(networks.Training(weights, batch), alpha)
    fp32 = networks.classifier(name, build, alpha, weights)
    int8 = networks.classifier(name + "_int8", build, alpha, weights, calibrate(fp32))
    write_model(f"{out}/{name}_fp32.onnx", fp32)
    write_model(f"{out}/{name}_int8.onnx", int8)
    worst, same, right = golden_images(out, name, fp32, int8, cases)
    print(
        f"{name}: int8 against fp32 on {cases} images: least cosine {worst:.5f}, "
        f"top-1 equal in {same}, right in {right}"
    )
    if worst < COSINE_MIN:
        sys.exit(f"{name}: quantisation is off: cosine {worst:.5f} < {COSINE_MIN}")


def make_transformer(out):
    model = networks.Encoder(SEED + 3).model()
    write_model(f"{out}/transformer_4x256.onnx", model)
    rng = np.random.RandomState(SEED + 4)
    for i in range(4):
        ids = rng.randint(0, networks.Encoder.vocabulary, (1, 128)).astype(np.int64)
        hidden = evaluate(model, {"ids": ids}, {"hidden"})["hidden"]
        write_tensor(f"{out}/golden/transformer/ids_{i}.pb", "ids", ids)
        write_tensor(f"{out}/golden/transformer/hidden_{i}.pb", "hidden", hidden.astype(np.float32))


def make_mlp(out):
    model = networks.mlp(SEED + 5)
    write_model(f"{out}/mlp_16_32_10.onnx", model)
    rng = np.random.RandomState(SEED + 6)
    for i in range(10):
        x = rng.standard_normal((1, 16)).astype(np.float32)
        y = evaluate(model, {"input": x}, {"logits"})["logits"]
        write_tensor(f"{out}/golden/mlp/input_{i}.pb", "input", x)
        write_tensor(f"{out}/golden/mlp/logits_{i}.pb", "logits", y.astype(np.float32))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    begin = time.monotonic()
    make_mlp(out)
    make_transformer(out)
    make_classifier(out, "mobilenet_v1_025", networks.mobilenet_v1, 0.25, 10)
    make_classifier(out, "mobilenet_v2_100", networks.mobilenet_v2, 1.0, 10)
    print(f"models written to {out} in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
