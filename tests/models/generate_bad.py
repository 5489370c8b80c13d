#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what must get a clear answer: generate_bad.py OUTDIR

  truncated.onnx, random.onnx, empty.onnx   no models
  hungry.onnx    one inference takes 16 MiB more at every step and never ends
  hang.onnx      one inference never ends, in little memory; it can be terminated
  string.onnx    its input is a string tensor
  nan.onnx       answers NaN; constant.onnx answers the same number everywhere
  *.pb           tensors of the wrong shape, of the wrong type, and of no tensor at all

All but the first three take `input`, float32[1,16], and give `logits`, float32[1,10], as the MLP.
"""

import os
import sys

import numpy as np
from onnx import TensorProto, helper

import networks
from generate import SEED
from graph import FLOAT, Graph, write_bytes, write_model, write_tensor

FOREVER = 2**62
STEP = 4 * 1024 * 1024  # floats: 16 MiB

INPUT = ("input", FLOAT, [1, 16])
LOGITS = ("logits", FLOAT, [1, 10])


def body(nodes, carried_shape, scan_shape=None):
    """The body of a loop that carries x and may emit y at every step."""
    info = helper.make_tensor_value_info
    outputs = [info("go_on", TensorProto.BOOL, []), info("x_next", FLOAT, carried_shape)]
    if scan_shape:
        outputs.append(info("y", FLOAT, scan_shape))
    inputs = [
        info("step", TensorProto.INT64, []),
        info("go", TensorProto.BOOL, []),
        info("x", FLOAT, carried_shape),
    ]
    nodes = [helper.make_node("Identity", ["go"], ["go_on"])] + nodes
    return helper.make_graph(nodes, "body", inputs, outputs)


def endless(name, loop_body, n_outputs):
    """A model whose loop takes the sum of the input and whose result is made of the last value."""
    g = Graph(name)
    total = g.op("ReduceSum", ["input"], keepdims=0)
    many = g.constant(np.int64(FOREVER), "many")
    go = g.constant(np.bool_(True), "go")
    outputs = ["last", "all"][:n_outputs]
    g.op("Loop", [many, go, total], outputs, body=loop_body)
    ten = g.constant(np.ones((1, 10), np.float32), "ten")
    g.op("Mul", ["last", ten], ["logits"])
    return g.model([INPUT], [LOGITS])


def hang():
    factor = helper.make_tensor("factor", FLOAT, [], [0.5])
    nodes = [
        helper.make_node("Constant", [], ["factor"], value=factor),
        helper.make_node("Mul", ["x", "factor"], ["x_next"]),
    ]
    return endless("hang", body(nodes, []), 1)


def hungry():
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [STEP])
    nodes = [
        helper.make_node("Constant", [], ["shape"], value=shape),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Add", ["x", "zeros"], ["y"]),
        helper.make_node("Identity", ["x"], ["x_next"]),
    ]
    return endless("hungry", body(nodes, [], [STEP]), 2)


def arithmetic(name, kind, constant):
    """The MLP's signature around one operation on the sum of the input."""
    g = Graph(name)
    total = g.op("ReduceSum", ["input"], keepdims=0)
    y = g.op(kind, [g.op("Mul", [total, g.constant(np.float32(0), "zero")]), g.constant(constant)])
    g.op("Add", [y, g.constant(np.zeros((1, 10), np.float32), "zeros")], ["logits"])
    return g.model([INPUT], [LOGITS])


def strings():
    g = Graph("string")
    g.op("Identity", ["input"], ["logits"])
    string = TensorProto.STRING
    return g.model([("input", string, [1, 16])], [("logits", string, [1, 16])])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    whole = networks.mlp(SEED + 5).SerializeToString(deterministic=True)
    rng = np.random.RandomState(SEED)
    write_bytes(f"{out}/truncated.onnx", whole[: len(whole) // 2])
    write_bytes(f"{out}/random.onnx", rng.bytes(65536))
    write_bytes(f"{out}/empty.onnx", b"")
    write_model(f"{out}/hungry.onnx", hungry())
    write_model(f"{out}/hang.onnx", hang())
    write_model(f"{out}/string.onnx", strings())
    write_model(f"{out}/nan.onnx", arithmetic("nan", "Div", np.float32(0)))
    write_model(f"{out}/constant.onnx", arithmetic("constant", "Add", np.float32(1)))
    write_tensor(f"{out}/input_wrong_shape.pb", "input", np.zeros((1, 17), np.float32))
    write_tensor(f"{out}/input_wrong_type.pb", "input", np.zeros((1, 16), np.int32))
    write_tensor(f"{out}/logits_wrong_shape.pb", "logits", np.zeros((1, 11), np.float32))
    write_bytes(f"{out}/garbage.pb", rng.bytes(64))


if __name__ == "__main__":
    main()
