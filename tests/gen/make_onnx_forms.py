#!/usr/bin/env python3
"""Makes one small network in the forms that exporters give it: python3 tests/gen/make_onnx_forms.py, from the
project's root.

Writes fuzz/corpus/onnx/form_*, which are seeds and fixtures; tests/kat/onnx_forms_kat.h, what ONNX's
reference evaluator answers to an image; and tests/data/tiny_external.onnx, tiny.onnx with its weights in
tiny_external.data.  Needs onnx and numpy.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CORPUS = "fuzz/corpus/onnx"
rng = np.random.default_rng(15)
W1, B1 = rng.normal(0, 1, (3, 4)).astype(np.float32), rng.normal(0, 0.5, 3).astype(np.float32)
W2, B2 = rng.normal(0, 1, (2, 3)).astype(np.float32), rng.normal(0, 0.5, 2).astype(np.float32)
IMAGE = np.array([-0.25, 1, -0.5, -1.5], np.float32)
forms = []


class Form:
    """A graph from x [n, 1, 2, 2] on, to which nodes are added."""

    def __init__(self, name, opset=17, batch="n", shape=(1, 2, 2), ml=False):
        self.name, self.opset, self.shape, self.batch, self.ml = name, opset, shape, batch, ml
        self.nodes, self.tensors, self.functions, self.outputs = [], [], [], ["y"]
        self.count, self.is_class = 0, False
        forms.append(self)

    def const(self, value, kind=np.float32):
        self.count += 1
        array = value if isinstance(value, np.ndarray) else np.array(value, kind)
        self.tensors.append(numpy_helper.from_array(array, "c%d" % self.count))
        return "c%d" % self.count

    def packed(self, values, kind, shape):
        """A tensor of a type that numpy has not."""
        self.count += 1
        self.tensors.append(helper.make_tensor("c%d" % self.count, kind, shape, list(values)))
        return "c%d" % self.count

    def add(self, op, *inputs, out=None, **attributes):
        self.count += 1
        out = out or "v%d" % self.count
        outs = [out] if isinstance(out, str) else out
        self.nodes.append(helper.make_node(op, list(inputs), outs, **attributes))
        return outs[0]

    def gemm(self, x, w=W1, b=B1, **attributes):
        return self.add("Gemm", x, self.const(w), self.const(b), transB=1, **attributes)

    def hidden(self):
        return self.gemm(self.add("Flatten", "x"))

    def scores(self, a, out="y"):
        return self.gemm(a, W2, B2, out=out)

    def model(self):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, self.name,
                                  [value("x", T.FLOAT, [self.batch] + list(self.shape))],
                                  [helper.make_empty_tensor_value_info(o) for o in self.outputs], self.tensors)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.ml:
            opsets.append(helper.make_opsetid("ai.onnx.ml", 3))
        if self.functions:
            opsets.append(helper.make_opsetid("own", 1))
        return helper.make_model(graph, opset_imports=opsets, functions=self.functions, ir_version=9)


def activations():
    def form(name, make, opset=17):
        f = Form("form_act_" + name, opset)
        f.scores(make(f, f.hidden()))

    form("leaky", lambda f, h: f.add("LeakyRelu", h, alpha=0.1))
    form("max0", lambda f, h: f.add("Max", h, f.const(np.zeros((1, 3), np.float32))))
    form("maximum", lambda f, h: f.add("Max", h, f.const(0.0)))
    form("square_pow", lambda f, h: f.add("Pow", h, f.const(2.0)))
    form("square", lambda f, h: f.add("Mul", h, h))
    form("tanh", lambda f, h: f.add("Tanh", h))
    form("poly", lambda f, h: f.add("Add", f.add("Add", f.add("Mul", f.add("Mul", h, f.const(0.5)), h),
                                                 f.add("Mul", h, f.const(-1.5))), f.const(0.25)))
    form("prelu", lambda f, h: f.add("PRelu", h, f.const([0.1, -0.5, 0.3])))
    form("gelu", lambda f, h: f.add("Gelu", h, approximate="tanh"), 20)
    form("swish", lambda f, h: f.add("Mul", h, f.add("Sigmoid", h)))
    form("hard_swish", lambda f, h: f.add("HardSwish", h))
    form("where", lambda f, h: f.add("Where", f.add("Greater", h, f.const(0.0)), h, f.add("Mul", h, f.const(0.05))))
    form("elu", lambda f, h: f.add("Elu", h, alpha=0.7))
    form("softplus", lambda f, h: f.add("Softplus", h))
    form("sign", lambda f, h: f.add("Sign", h))
    form("celu", lambda f, h: f.add("Celu", h, alpha=0.7))
    form("hard_sigmoid", lambda f, h: f.add("HardSigmoid", h))
    form("scaled", lambda f, h: f.add("Mul", f.add("Relu", h), f.const(2.0)))
    form("norm", lambda f, h: f.add("BatchNormalization", f.add("Relu", h), f.const([2.0, -1, 0.5]),
                                    f.const([0.1, 0, -1]), f.const([0.3, 0.2, 0.1]), f.const([1.0, 4, 0.25])))
    form("dropout", lambda f, h: f.add("Dropout", f.add("Relu", h), f.const(0.3), f.const(False, bool)))


def grids():
    f = Form("form_relu_in_quantized", 19)
    z, s = f.const(-20, np.int8), f.const(0.02)
    q = f.add("QuantizeLinear", f.hidden(), s, z)
    f.scores(f.add("DequantizeLinear", f.add("Relu", q), s, z))
    f = Form("form_qcdq_clip", 19)
    z, s, x, zx = f.const(0, np.uint8), f.const(0.1), f.const(0.02), f.const(128, np.uint8)
    image = f.add("DequantizeLinear", f.add("QuantizeLinear", "x", x, zx), x, zx)
    w = f.add("DequantizeLinear", f.const(np.clip(np.round(W1 / 0.3), -7, 7).astype(np.int8)), f.const(0.3),
              f.const(0, np.int8))
    h = f.add("Gemm", f.add("Flatten", image), w, f.const(B1), transB=1)
    q = f.add("Clip", f.add("QuantizeLinear", f.add("Relu", h), s, z), z, f.const(15, np.uint8))
    f.scores(f.add("DequantizeLinear", q, s, z))
    f = Form("form_int4", 21)
    w = f.add("DequantizeLinear", f.packed(np.clip(np.round(W1 / 0.3), -7, 7).astype(int).ravel(), T.INT4, (3, 4)),
              f.const([0.3, 0.25, 0.2]), axis=0)
    f.scores(f.add("Relu", f.add("Gemm", f.add("Flatten", "x"), w, f.const(B1), transB=1)))
    f = Form("form_int16", 21)
    s, z = f.const(0.001), f.const(-500, np.int16)
    h = f.add("DequantizeLinear", f.add("QuantizeLinear", f.add("Tanh", f.hidden()), s, z), s, z)
    f.scores(h, "o")
    f.add("DequantizeLinear", f.add("QuantizeLinear", "o", s, z), s, z, out="y")


def constants():
    f = Form("form_value_floats", 13)
    f.nodes.append(helper.make_node("Constant", [], ["b"], value_floats=[float(v) for v in B1]))
    f.nodes.append(helper.make_node("Constant", [], ["shape"], value_ints=[-1, 4]))
    h = f.add("Gemm", f.add("Reshape", "x", "shape"), f.const(W1), "b", transB=1)
    f.scores(f.add("Relu", h))
    f = Form("form_fp16", 13)
    w = f.add("Cast", f.const(W1.astype(np.float16)), to=T.FLOAT)
    f.scores(f.add("Relu", f.add("Gemm", f.add("Flatten", "x"), w, f.const(B1), transB=1)))
    f = Form("form_fp16_all", 13)
    h = f.add("Cast", f.add("Flatten", "x"), to=T.FLOAT16)
    h = f.add("Relu", f.add("Gemm", h, f.const(W1.astype(np.float16)), f.const(B1.astype(np.float16)), transB=1))
    h = f.add("Gemm", h, f.const(W2.astype(np.float16)), f.const(B2.astype(np.float16)), transB=1)
    f.add("Cast", h, to=T.FLOAT, out="y")
    f = Form("form_unused", 13)
    f.const(np.zeros(0, np.float32)), f.const(7, np.int64)
    f.scores(f.add("Relu", f.hidden()))


def shapes():
    f = Form("form_left", 13)
    m = f.add("MatMul", f.const(W1), f.add("Transpose", f.add("Flatten", "x"), perm=[1, 0]))
    r = f.add("Relu", f.add("Add", m, f.const(B1[:, None])))
    m = f.add("Add", f.add("MatMul", f.const(W2), r), f.const(B2[:, None]))
    f.add("Transpose", m, perm=[1, 0], out="y")
    f = Form("form_shape", 13)
    n = f.add("Unsqueeze", f.add("Gather", f.add("Shape", "x"), f.const(0, np.int64), axis=0), f.const([0], np.int64))
    to = f.add("Concat", n, f.const([-1], np.int64), axis=0)
    f.scores(f.add("Relu", f.gemm(f.add("Reshape", "x", to))))
    f = Form("form_batch8", 13, batch=8)
    f.scores(f.add("Relu", f.gemm(f.add("Reshape", "x", f.const([8, 4], np.int64)))))
    f = Form("form_sum", 13)
    f.scores(f.add("Relu", f.add("Sum", f.add("MatMul", f.add("Flatten", "x"), f.const(W1.T.copy())), f.const(B1))))
    f = Form("form_per_pixel", 13)
    x = f.add("Div", f.add("Sub", f.add("Flatten", "x"), f.const([[0.1, 0.2, 0.3, 0.4]])), f.const(0.5))
    f.scores(f.add("Relu", f.gemm(x)))
    f = Form("form_nhwc", 13, shape=(2, 1, 2))
    x = f.add("Transpose", f.add("Transpose", "x", perm=[0, 3, 1, 2]), perm=[0, 2, 3, 1])
    f.scores(f.add("Relu", f.gemm(f.add("Flatten", x))))
    f = Form("form_parts", 13)
    x = f.add("Flatten", "x")
    f.add("Split", x, out=["p", "q"], axis=1)
    f.scores(f.add("Relu", f.gemm(f.add("Concat", "q", "p", axis=1))))


def ends():
    f = Form("form_end_argmax", 13)
    f.add("ArgMax", f.scores(f.add("Relu", f.hidden()), "o"), axis=1, keepdims=0, out="y")
    f = Form("form_end_sklearn", 15, ml=True)
    h = f.add("Relu", f.add("Add", f.add("MatMul", f.add("Flatten", "x"), f.const(W1.T.copy())), f.const(B1[None])))
    p = f.add("Sigmoid", f.add("Add", f.add("MatMul", h, f.const(W2[:1].T.copy())), f.const(B2[:1][None])))
    both = f.add("Concat", f.add("Sub", f.const(1.0), p), p, out="y", axis=1)
    names = f.add("ArrayFeatureExtractor", f.const([0, 1], np.int64), f.add("ArgMax", both, axis=1),
                  domain="ai.onnx.ml")
    f.add("Cast", names, to=T.INT64, out="label")
    f.add("ZipMap", both, domain="ai.onnx.ml", classlabels_int64s=[0, 1], out="map")
    f.outputs = ["label", "map"]
    for f in forms[-2:]:
        f.is_class = True
    f = Form("form_outputs", 13)
    h = f.add("Relu", f.hidden())
    f.add("Softmax", f.scores(h, "y"), out="p")
    f.outputs = ["p", "y"]
    f = Form("form_function", 18)
    body = [helper.make_node("Constant", [], ["k"]), helper.make_node("Mul", ["X", "k"], ["t"]),
            helper.make_node("Max", ["X", "t"], ["Y"])]
    body[0].attribute.add(name="value_float", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    f.functions.append(helper.make_function("own", "act", ["X"], ["Y"], body, [helper.make_opsetid("", 18)],
                                            attributes=["slope"]))
    f.scores(f.add("act", f.hidden(), domain="own", slope=0.2))


def reference(form, model):
    """The scores of the image, or its class alone."""
    x = np.repeat(IMAGE.reshape((1,) + form.shape), form.batch if form.batch != "n" else 1, 0)
    wanted = "label" if "label" in form.outputs else "y"
    if wanted == "label":  # the evaluator has no ZipMap
        del model.graph.node[-1], model.graph.output[1]
    answer = ReferenceEvaluator(model).run([wanted], {"x": x})[0]
    if form.is_class:
        return [float(np.ravel(answer)[0])]
    return [float(v) for v in answer[0]]


def external():
    model = onnx.load("tests/data/tiny.onnx")
    onnx.save_model(model, "tests/data/tiny_external.onnx", save_as_external_data=True,
                    location="tiny_external.data", size_threshold=0)
    model = onnx.load("fuzz/corpus/onnx/form_value_floats")
    onnx.save_model(model, CORPUS + "/form_external", save_as_external_data=True, location="x", size_threshold=0)
    os.remove(CORPUS + "/x")


def main():
    for make in activations, grids, constants, shapes, ends:
        make()
    text = "/* Made by tests/gen/make_onnx_forms.py: what ONNX's reference evaluator answers. */\n"
    text += "static const float forms_image[4] = {%s};\n\n" % ", ".join("%gf" % v if v % 1 else "%d" % v for v in IMAGE)
    text += "static const struct {\n  const char *name;\n  int is_class;    /* score[0] is the class */\n"
    text += "  float score[2];\n} forms_kat[] = {\n"
    for form in forms:
        model = form.model()
        with open(os.path.join(CORPUS, form.name), "wb") as f:
            f.write(model.SerializeToString())
        scores = reference(form, model)
        text += '    {"%s", %d, {%s}},\n' % (form.name, form.is_class, ", ".join("%.9gf" % v if v % 1 else "%d" % v
                                                                               for v in scores))
    text = text.rstrip(",\n") + "};\n"
    with open("tests/kat/onnx_forms_kat.h", "w") as f:
        f.write(text)
    external()


if __name__ == "__main__":
    main()
