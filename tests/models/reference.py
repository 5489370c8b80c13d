# SPDX-License-Identifier: Apache-2.0
"""A reference for golden outputs that shares nothing with the runtimes under test: evaluates a
graph node by node in numpy, in float64, with ONNX's definition of each operator. Slow and plain.

It knows only the operators that networks.py writes.
"""

import math

import numpy as np
from onnx import numpy_helper


def _pad(x, pads):
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))


def conv(x, w, b, strides, pads, group, **_):
    n, channels, _, _ = x.shape
    out_channels, _, kh, kw = w.shape
    x = _pad(x, pads)
    sh, sw = strides
    oh = (x.shape[2] - kh) // sh + 1
    ow = (x.shape[3] - kw) // sw + 1
    y = np.zeros((n, out_channels, oh, ow))
    for i in range(kh):
        for j in range(kw):
            patch = x[:, :, i : i + sh * oh : sh, j : j + sw * ow : sw]
            if group == 1:
                flat = patch.reshape(n, channels, oh * ow)
                y += np.matmul(w[:, :, i, j], flat).reshape(n, out_channels, oh, ow)
            elif group == channels == out_channels:
                y += patch * w[:, 0, i, j].reshape(1, -1, 1, 1)
            else:
                raise NotImplementedError("grouped but not depthwise convolution")
    return y + b.reshape(1, -1, 1, 1)


def _along(parameter, x, axis):
    if parameter.ndim == 0:
        return parameter
    shape = [1] * x.ndim
    shape[axis] = -1
    return parameter.reshape(shape)


def quantize(x, scale, zero, axis=1):
    info = np.iinfo(zero.dtype)
    q = np.rint(x / _along(scale, x, axis)) + _along(zero, x, axis)
    return np.clip(q, info.min, info.max).astype(zero.dtype)


def dequantize(q, scale, zero, axis=1):
    return (q.astype(np.float64) - _along(zero, q, axis)) * _along(scale, q, axis)


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def slice_(x, starts, ends, axes=None):
    axes = range(len(starts)) if axes is None else axes
    index = [slice(None)] * x.ndim
    for start, end, axis in zip(starts, ends, axes):
        index[axis] = slice(int(start), int(end))
    return x[tuple(index)]


def reshape(x, shape):
    return x.reshape([x.shape[i] if d == 0 else int(d) for i, d in enumerate(shape)])


_erf = np.vectorize(math.erf, otypes=[np.float64])

OPERATORS = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Pow": lambda a, b: a**b,
    "Sqrt": np.sqrt,
    "Erf": _erf,
    "Relu": lambda x: np.maximum(x, 0),
    "Clip": lambda x, low, high: np.clip(x, low, high),
    "Identity": lambda x: x,
    "Conv": conv,
    "Gemm": lambda a, b, c: a @ b + c,
    "MatMul": np.matmul,
    "Flatten": lambda x, axis: x.reshape(int(np.prod(x.shape[:axis])), -1),
    "GlobalAveragePool": lambda x: x.mean(axis=(2, 3), keepdims=True),
    "ReduceMean": lambda x, axes, keepdims: x.mean(axis=tuple(axes), keepdims=bool(keepdims)),
    "Softmax": lambda x, axis: softmax(x, axis),
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "Gather": lambda x, index: x[index],
    "Shape": lambda x: np.array(x.shape, np.int64),
    "Slice": slice_,
    "Reshape": reshape,
    "Transpose": lambda x, perm: x.transpose(perm),
}


def _attributes(node):
    return {a.name: list(a.ints) if a.ints else a.i for a in node.attribute}


def _widen(x):
    return x.astype(np.float64) if x.dtype == np.float32 else x


def evaluate(model, inputs, keep=None):
    """Returns all values by name, or only those in `keep`."""
    values = {t.name: _widen(numpy_helper.to_array(t)) for t in model.graph.initializer}
    values.update({name: _widen(x) for name, x in inputs.items()})
    for node in model.graph.node:
        arguments = [values[i] for i in node.input]
        values[node.output[0]] = OPERATORS[node.op_type](*arguments, **_attributes(node))
    return {k: v for k, v in values.items() if keep is None or k in keep}
