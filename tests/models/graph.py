# SPDX-License-Identifier: Apache-2.0
"""Writing ONNX graphs: names, initialisers, nodes; and TensorProto files.

Everything is seeded and serialised deterministically, so a second run gives the same bytes.
Opset 13 and IR 7 are old enough for every runtime in use.
"""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 7


class Graph:
    """A graph in the making. Initialisers of 0 dimensions stay so: scales, zero points and the
    constants of a fusion must be true scalars."""

    def __init__(self, name, opset=OPSET):
        self.name = name
        self.opset = opset
        self.nodes = []
        self.initializers = []
        self.counts = {}

    def unique(self, prefix):
        self.counts[prefix] = self.counts.get(prefix, -1) + 1
        return f"{prefix}_{self.counts[prefix]}"

    def constant(self, value, prefix="const"):
        name = self.unique(prefix)
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def op(self, kind, inputs, outputs=None, **attributes):
        """Adds a node and returns the name of its output."""
        name = self.unique(kind.lower())
        outputs = outputs or [f"{name}_out"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def model(self, inputs, outputs, check=True):
        """inputs and outputs: (name, TensorProto type, shape with names for free dimensions)."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info(*i) for i in inputs],
            [helper.make_tensor_value_info(*o) for o in outputs],
            initializer=self.initializers,
        )
        model = helper.make_model(
            graph,
            producer_name="framefarm",
            opset_imports=[helper.make_opsetid("", self.opset)],
        )
        model.ir_version = IR_VERSION
        if check:
            onnx.checker.check_model(model, full_check=True)
        return model


def write_bytes(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.replace(path + ".new", path)


def write_model(path, model):
    write_bytes(path, model.SerializeToString(deterministic=True))


def write_tensor(path, name, array):
    write_bytes(path, numpy_helper.from_array(array, name).SerializeToString(deterministic=True))


FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
