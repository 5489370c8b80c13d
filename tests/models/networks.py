# SPDX-License-Identifier: Apache-2.0
"""The networks: architectures as published, weights from a seed.

MobileNetV1: Howard et al. 2017, table 1. MobileNetV2: Sandler et al. 2018, table 2. The transformer
is a post-norm encoder (Vaswani et al. 2017) with LayerNorm and GELU written out in the primitive
operators that exporters emit.

A convolutional network is written once, against a back end: Float, or Quantized, which puts
QuantizeLinear and DequantizeLinear around every operator (weights int8 symmetric per channel, bias
int32, activations uint8) as a calibrated quantiser does. Activations have the same names in both,
so ranges seen in the one calibrate the other. Training, a third one, settles the weights.
"""

import numpy as np

import reference
from graph import FLOAT, INT64, Graph

CLASSES = 1000
IMAGE = 224


class Weights:
    """The same numbers for every back end, by layer number. They are drawn from the seed; Training
    then settles them."""

    def __init__(self, seed):
        self.seed = seed
        self.layers = {}

    def draw(self, layer, shape):
        return np.random.RandomState([self.seed, layer]).standard_normal(shape)


class Training:
    """A back end that computes at once, on a batch of images, and settles the weights on its way.

    Each layer's weights get one gain, so that activations neither vanish nor explode. The classifier
    is trained in one shot: class i answers to what sets image i of the batch apart from the mean of
    all, the classes behind them to random directions. So the answer depends on the image, and a
    mixed-up input, a broken layer or a coarse quantisation shows in it."""

    ANSWER = 14.0  # logit of an image's own class

    def __init__(self, weights, batch):
        self.weights = weights
        self.batch = batch
        self.layer = 0

    def _settle(self, w, b):
        self.weights.layers[self.layer] = (w.astype(np.float32), b.astype(np.float32))
        self.layer += 1

    def input(self, name):
        return self.batch

    def conv(self, x, cin, cout, kernel, stride, group=1, relu6=True):
        shape = (cout, cin // group, kernel, kernel)
        w = self.weights.draw(self.layer, shape)
        b = self.weights.draw(self.layer + 1000, cout) * 0.05
        geometry = ([stride] * 2, [kernel // 2] * 4, group)
        y = reference.conv(x, w, np.zeros(cout), *geometry)
        gain = rounded(1 / np.sqrt((y * y).mean()))
        self._settle(w * gain, b)
        y = y * gain + b.reshape(1, -1, 1, 1)
        return np.clip(y, 0, 6) if relu6 else y

    def add(self, x, y):
        return x + y

    def pool(self, x):
        return x.mean(axis=(2, 3))

    def classify(self, x, cin):
        mean = np.rint(x.mean(axis=0) * 256) / 256
        own = np.rint((x - mean).T * 256) / 256
        length = np.sqrt((own * own).sum(axis=0))
        others = self.weights.draw(self.layer, (cin, CLASSES - len(x))) / np.sqrt(cin) / 2
        w = np.concatenate([own / length, others], axis=1) * rounded(self.ANSWER / length.mean())
        self._settle(w, -mean @ w)
        return x @ w - mean @ w


def rounded(x):
    """Three significant digits: what two machines' numpy, whose last bits differ, agree on."""
    return float(f"{x:.3g}")


class Float:
    def __init__(self, graph, weights):
        self.g = graph
        self.weights = weights
        self.layer = 0
        self.limits = None

    def input(self, name):
        return name

    def conv(self, x, cin, cout, kernel, stride, group=1, relu6=True):
        w, b = self.weights.layers[self.layer]
        self.layer += 1
        y = self.g.op(
            "Conv",
            [x, self.weight(w, 0), self.bias(b, x, w, 0)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
            group=group,
            dilations=[1, 1],
        )
        return self.activation(y, relu6)

    def weight(self, w, axis):
        return self.g.constant(w, "w")

    def bias(self, b, x, w, axis):
        return self.g.constant(b, "b")

    def activation(self, y, relu6):
        if not relu6:
            return y
        if self.limits is None:
            self.limits = [
                self.g.constant(np.float32(0), "zero"),
                self.g.constant(np.float32(6), "six"),
            ]
        return self.g.op("Clip", [y, *self.limits])

    def add(self, x, y):
        return self.g.op("Add", [x, y])

    def pool(self, x):
        return self.g.op("Flatten", [self.g.op("GlobalAveragePool", [x])], axis=1)

    def classify(self, x, cin):
        w, b = self.weights.layers[self.layer]
        return self.g.op("Gemm", [x, self.weight(w, 1), self.bias(b, x, w, 1)])


class Quantized(Float):
    """ranges: activation name → (low, high).

    Weights have seven bits: the x86 kernels without VNNI add two products of uint8 and int8 in 16
    bits, which saturates with eight (measured on an emulated Haswell: cosine 0.91 against the
    reference, which no other CPU misses by more than 0.001)."""

    WEIGHT_MAX = 63

    def __init__(self, graph, weights, ranges):
        super().__init__(graph, weights)
        self.ranges = ranges
        self.scales = {}  # of dequantised activations
        self.names = {}  # Float's name of an activation → ours

    def _qdq(self, x, name):
        low, high = self.ranges[name]
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32((high - low) / 255.0) or np.float32(1)
        zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
        pair = [self.g.constant(scale, "s"), self.g.constant(zero, "z")]
        q = self.g.op("QuantizeLinear", [x, *pair])
        y = self.g.op("DequantizeLinear", [q, *pair])
        self.scales[y] = float(scale)
        return y

    def input(self, name):
        return self._qdq(name, name)

    def _weight_scale(self, w, axis):
        others = tuple(i for i in range(w.ndim) if i != axis)
        scale = (np.abs(w).max(axis=others) / self.WEIGHT_MAX).astype(np.float32)
        scale[scale == 0] = 1
        return scale

    def weight(self, w, axis):
        scale = self._weight_scale(w, axis)
        shape = [1] * w.ndim
        shape[axis] = -1
        q = np.clip(np.rint(w / scale.reshape(shape)), -self.WEIGHT_MAX, self.WEIGHT_MAX).astype(np.int8)
        zero = np.zeros(len(scale), np.int8)
        return self.g.op(
            "DequantizeLinear",
            [self.g.constant(q, "wq"), self.g.constant(scale, "ws"), self.g.constant(zero, "wz")],
            axis=axis,
        )

    def bias(self, b, x, w, axis):
        scale = (self._weight_scale(w, axis) * np.float32(self.scales[x])).astype(np.float32)
        q = np.clip(np.rint(b / scale), -(2**31), 2**31 - 1).astype(np.int32)
        zero = np.zeros(len(scale), np.int32)
        return self.g.op(
            "DequantizeLinear",
            [self.g.constant(q, "bq"), self.g.constant(scale, "bs"), self.g.constant(zero, "bz")],
            axis=0,
        )

    def activation(self, y, relu6):
        # Float names its activation after the Clip, or after the Conv that has none. A saturating
        # QuantizeLinear from 0 on is the Clip.
        name = self.g.unique("clip") + "_out" if relu6 else y
        return self._qdq(y, name)

    def add(self, x, y):
        z = self.g.op("Add", [x, y])
        return self._qdq(z, z)

    def pool(self, x):
        y = self.g.op("GlobalAveragePool", [x])
        y = self._qdq(y, y)
        y = self.g.op("Flatten", [y], axis=1)
        return self._qdq(y, y)

    def classify(self, x, cin):
        y = super().classify(x, cin)
        return self._qdq(y, y)


def _round8(channels):
    return max(8, int(channels + 4) // 8 * 8)


def mobilenet_v1(net, alpha):
    c = lambda v: _round8(v * alpha)
    x = net.conv(net.input("input"), 3, c(32), 3, 2)
    cin = c(32)
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    blocks += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for cout, stride in blocks:
        x = net.conv(x, cin, cin, 3, stride, group=cin)
        x = net.conv(x, cin, c(cout), 1, 1)
        cin = c(cout)
    return net.classify(net.pool(x), cin)


def mobilenet_v2(net, alpha):
    c = lambda v: _round8(v * alpha)
    x = net.conv(net.input("input"), 3, c(32), 3, 2)
    cin = c(32)
    blocks = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    blocks += [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expand, channels, repeat, first_stride in blocks:
        for i in range(repeat):
            stride = first_stride if i == 0 else 1
            hidden, y = cin * expand, x
            if expand != 1:
                y = net.conv(y, cin, hidden, 1, 1)
            y = net.conv(y, hidden, hidden, 3, stride, group=hidden)
            y = net.conv(y, hidden, c(channels), 1, 1, relu6=False)
            x = net.add(x, y) if stride == 1 and cin == c(channels) else y
            cin = c(channels)
    x = net.conv(x, cin, 1280, 1, 1)
    return net.classify(net.pool(x), 1280)


def classifier(name, build, alpha, weights, ranges=None):
    g = Graph(name)
    net = Float(g, weights) if ranges is None else Quantized(g, weights, ranges)
    logits = build(net, alpha)
    g.op("Softmax", [logits], ["probs"], axis=1)
    return g.model(
        [("input", FLOAT, [1, 3, IMAGE, IMAGE])], [("probs", FLOAT, [1, CLASSES])]
    )


class Encoder:
    layers, width, heads, inner, vocabulary, positions = 4, 256, 4, 1024, 2000, 512

    def __init__(self, seed):
        self.g = Graph("transformer")
        self.rng = np.random.RandomState(seed)

    def floats(self, value):
        return self.g.constant(np.array(value, np.float32), "c")

    def ints(self, value):
        return self.g.constant(np.array(value, np.int64), "i")

    def linear(self, x, cin, cout):
        w = (self.rng.standard_normal((cin, cout)) / np.sqrt(cin)).astype(np.float32)
        b = (self.rng.standard_normal(cout) * 0.02).astype(np.float32)
        y = self.g.op("MatMul", [x, self.g.constant(w, "w")])
        return self.g.op("Add", [y, self.g.constant(b, "b")])

    def norm(self, x):
        op = self.g.op
        d = op("Sub", [x, op("ReduceMean", [x], axes=[-1], keepdims=1)])
        v = op("ReduceMean", [op("Pow", [d, self.floats(2)])], axes=[-1], keepdims=1)
        y = op("Div", [d, op("Sqrt", [op("Add", [v, self.floats(1e-5)])])])
        y = op("Mul", [y, self.g.constant(np.ones(self.width, np.float32), "gamma")])
        return op("Add", [y, self.g.constant(np.zeros(self.width, np.float32), "beta")])

    def split(self, x):
        shape = self.ints([0, 0, self.heads, self.width // self.heads])
        return self.g.op("Transpose", [self.g.op("Reshape", [x, shape])], perm=[0, 2, 1, 3])

    def attention(self, x):
        op = self.g.op
        q, k, v = (self.split(self.linear(x, self.width, self.width)) for _ in range(3))
        a = op("MatMul", [q, op("Transpose", [k], perm=[0, 1, 3, 2])])
        a = op("Softmax", [op("Div", [a, self.floats(np.sqrt(self.width // self.heads))])], axis=-1)
        y = op("Transpose", [op("MatMul", [a, v])], perm=[0, 2, 1, 3])
        y = op("Reshape", [y, self.ints([0, 0, self.width])])
        return self.linear(y, self.width, self.width)

    def gelu(self, x):
        op = self.g.op
        e = op("Erf", [op("Div", [x, self.floats(np.sqrt(2))])])
        return op("Mul", [op("Mul", [x, op("Add", [e, self.floats(1)])]), self.floats(0.5)])

    def embed(self):
        op, rng = self.g.op, self.rng
        table = (rng.standard_normal((self.vocabulary, self.width)) * 0.1).astype(np.float32)
        place = (rng.standard_normal((1, self.positions, self.width)) * 0.02).astype(np.float32)
        length = op("Slice", [op("Shape", ["ids"]), self.ints([1]), self.ints([2])])
        place = op("Slice", [self.g.constant(place, "p"), self.ints([0]), length, self.ints([1])])
        return self.norm(op("Add", [op("Gather", [self.g.constant(table, "e"), "ids"]), place]))

    def model(self):
        x = self.embed()
        for _ in range(self.layers):
            x = self.norm(self.g.op("Add", [x, self.attention(x)]))
            y = self.gelu(self.linear(x, self.width, self.inner))
            x = self.norm(self.g.op("Add", [x, self.linear(y, self.inner, self.width)]))
        self.g.op("Identity", [x], ["hidden"])
        return self.g.model(
            [("ids", INT64, ["batch", "seq"])], [("hidden", FLOAT, ["batch", "seq", self.width])]
        )


def mlp(seed):
    g = Graph("mlp")
    rng = np.random.RandomState(seed)
    x = "input"
    for i, (cin, cout) in enumerate([(16, 32), (32, 32), (32, 10)]):
        w = (rng.standard_normal((cin, cout)) * np.sqrt(2.0 / cin)).astype(np.float32)
        b = (rng.standard_normal(cout) * 0.05).astype(np.float32)
        x = g.op("Gemm", [x, g.constant(w, "w"), g.constant(b, "b")])
        if i < 2:
            x = g.op("Relu", [x])
    g.op("Identity", [x], ["logits"])
    return g.model([("input", FLOAT, [1, 16])], [("logits", FLOAT, [1, 10])])
