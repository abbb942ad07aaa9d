#!/usr/bin/env python3
"""Makes tests/data/tiny_bytes.onnx and tiny_nhwc.onnx of tiny.onnx and tiny_rgb.onnx: the same
networks, but one takes bytes (uint8, normalized inside), the other declares [N,H,W,3].

Needs onnx and numpy.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
MEAN, STD = 0.5, 0.25  # as make_onnx.py has them


def load(name):
    model = onnx.load(os.path.join(DATA, name))
    return model, model.graph


def save(model, name):
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(DATA, name))


def put_before(graph, nodes):
    """Puts a chain of (op, constants, attributes) between the input and what takes it."""
    latest = graph.input[0].name
    first = [n for n in graph.node if latest in n.input][0]
    made = []
    for i, (op, constants, attributes) in enumerate(nodes):
        names = []
        for k, array in enumerate(constants):
            names.append("pre%d_%d" % (i, k))
            graph.initializer.append(numpy_helper.from_array(array, names[-1]))
        made.append(helper.make_node(op, [latest] + names, ["pre%d" % i], **attributes))
        latest = "pre%d" % i
    first.input[list(first.input).index(graph.input[0].name)] = latest
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend(made + rest)


def main():
    model, graph = load("tiny.onnx")
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    put_before(graph, [("Cast", [], {"to": TensorProto.FLOAT}),
                       ("Sub", [np.float32(255 * MEAN)], {}),
                       ("Div", [np.float32(255 * STD)], {})])
    save(model, "tiny_bytes.onnx")
    model, graph = load("tiny_rgb.onnx")
    sides = graph.input[0].type.tensor_type.shape.dim
    c, h, w = (sides[i].dim_value for i in (1, 2, 3))
    for side, value in zip([sides[1], sides[2], sides[3]], (h, w, c)):
        side.dim_value = value
    put_before(graph, [("Transpose", [], {"perm": [0, 3, 1, 2]})])
    save(model, "tiny_nhwc.onnx")


if __name__ == "__main__":
    main()
