#!/usr/bin/env python3
"""Trains small networks with PyTorch and exports them as ONNX: make_onnx.py OUT DATA.npz...

Writes OUT/NAME.onnx, and OUT/NAME.npz: the data set with PyTorch's own predictions as the labels of
val and test, so that the accuracy that `ppml import` reports there is its agreement with PyTorch.
`make_onnx.py --fixtures` makes tests/data/tiny*.onnx and the seeds in fuzz/corpus/onnx.

Needs torch and onnx, Debian's python3-torch and python3-onnx, say.
"""
import os
import sys

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
MEAN, STD = 0.5, 0.25  # as tests/onnx.sh gives them to ppml import


def images(data, split):
    """[N, C, H, W] floats, normalized."""
    x = torch.from_numpy(data[split + "_images"].astype(np.float32)) / 255
    x = x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2)
    return (x - MEAN) / STD


def train(net, data, epochs):
    x = images(data, "train")[:1500]
    y = torch.from_numpy(data["train_labels"].astype(np.int64).reshape(-1))[:1500]
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    net.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            scores = net(x[batch])
            if scores.shape[1] == 1:
                loss = nn.functional.binary_cross_entropy_with_logits(scores[:, 0], y[batch].float())
            else:
                loss = nn.functional.cross_entropy(scores, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


def export(path, net, example):
    torch.onnx.export(net, example[:1], path, input_names=["image"], output_names=["scores"],
                      dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}})


def answers(run, data, split):
    with torch.no_grad():
        scores = run(images(data, split))
    return (scores[:, 0] > 0).long() if scores.shape[1] == 1 else scores.argmax(1)


def save_answers(path, run, data):
    arrays = dict(data)
    for split in "val", "test":
        arrays[split + "_labels"] = answers(run, data, split).numpy().astype(np.uint8)
    np.savez(path, **arrays)


class Quantized:
    """A trained Flatten-Linear-ReLU-Linear network in QDQ form, as ONNX Runtime's static
    quantization lays it out: int8 weights a channel, uint8 activations, int32 biases."""

    def __init__(self, net, x):
        self.linear = [m for m in net if isinstance(m, nn.Linear)]
        with torch.no_grad():
            hidden = net[:3](x)
        self.grid = [self.uint8_grid(x), self.uint8_grid(hidden)]
        self.scale = [m.weight.detach().abs().amax(1) / 127 for m in self.linear]

    @staticmethod
    def uint8_grid(x):
        low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
        scale = (high - low) / 255
        return scale, int(round(-low / scale))

    def integers(self, l):
        weight = self.linear[l].weight.detach()
        return (weight / self.scale[l][:, None]).round().clamp(-127, 127)

    def bias(self, l):
        scale = self.grid[l][0] * self.scale[l]
        return (self.linear[l].bias.detach() / scale).round(), scale

    def __call__(self, x):
        for l in 0, 1:
            scale, zero = self.grid[l]
            x = torch.fake_quantize_per_tensor_affine(x.flatten(1), scale, zero, 0, 255)
            bias, unit = self.bias(l)
            x = x @ (self.integers(l) * self.scale[l][:, None]).T + bias * unit
        return x  # the ReLU is the uint8 grid, whose zero point is 0

    def model(self, shape):
        nodes, tensors = [helper.make_node("Flatten", ["image"], ["x0"])], []

        def constant(name, array):
            tensors.append(numpy_helper.from_array(array, name))
            return name

        def dequantized(name, array, scale, zero, **axis):
            """A constant's integers, and the node that makes floats of them."""
            inputs = [constant(name + "_q", array), constant(name + "_scale", scale),
                      constant(name + "_zero", zero)]
            nodes.append(helper.make_node("DequantizeLinear", inputs, [name], **axis))

        for l in 0, 1:
            scale, zero = self.grid[l]
            grid = [constant("grid%d" % l, np.float32(scale)), constant("zero%d" % l, np.uint8(zero))]
            nodes.append(helper.make_node("QuantizeLinear", ["x%d" % l] + grid, ["q%d" % l]))
            nodes.append(helper.make_node("DequantizeLinear", ["q%d" % l] + grid, ["d%d" % l]))
            bias, unit = self.bias(l)
            rows = len(bias)
            dequantized("w%d" % l, self.integers(l).numpy().astype(np.int8),
                        self.scale[l].numpy(), np.zeros(rows, np.int8), axis=0)
            dequantized("b%d" % l, bias.numpy().astype(np.int32), unit.numpy(),
                        np.zeros(rows, np.int32), axis=0)
            nodes.append(helper.make_node("Gemm", ["d%d" % l, "w%d" % l, "b%d" % l],
                                          ["x%d" % (l + 1)], transB=1))
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes, "qdq", [value("image", onnx.TensorProto.FLOAT, ["n"] + list(shape))],
            [value("x2", onnx.TensorProto.FLOAT, ["n", len(self.linear[1].bias)])], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        onnx.checker.check_model(model)
        return model


def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(),
                         nn.Linear(hidden, outputs))


class Rich(nn.Module):
    """Batch normalization, a bounded activation, a linear map without bias, and a last softmax."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Linear(inputs, 24, bias=False)
        self.norm = nn.BatchNorm1d(24)
        self.second = nn.Linear(24, 12)
        self.third = nn.Linear(12, outputs)

    def forward(self, x):
        x = nn.functional.relu6(self.norm(self.first(x.flatten(1))))
        x = self.third(torch.relu(self.second(x)))
        return x if self.training else torch.softmax(x, 1)


def make(out, path):
    data = dict(np.load(path))
    name = os.path.splitext(os.path.basename(path))[0]
    x = images(data, "train")
    inputs = x[0].numel()
    classes = int(max(data[s + "_labels"].max() for s in ("train", "val", "test"))) + 1
    nets = [("plain", mlp(inputs, 16, classes)), ("rich", Rich(inputs, classes))]
    if classes == 2:
        nets.append(("logit", mlp(inputs, 16, 1)))
    for kind, net in nets:
        train(net, data, 15)
        stem = os.path.join(out, "%s_%s" % (name, kind))
        export(stem + ".onnx", net, x)
        save_answers(stem + ".npz", net, data)
        if kind == "plain":
            quantized = Quantized(net, x[:500])
            stem = os.path.join(out, name + "_qdq")
            onnx.save(quantized.model(x.shape[1:]), stem + ".onnx")
            save_answers(stem + ".npz", quantized, data)


def fixtures():
    root = os.path.join(HERE, "..", "..")
    tiny = dict(np.load(os.path.join(root, "tests/data/tiny.npz")))
    rgb = dict(np.load(os.path.join(root, "tests/data/tiny_rgb.npz")))
    corpus = os.path.join(root, "fuzz/corpus/onnx")
    os.makedirs(corpus, exist_ok=True)
    net = train(mlp(images(tiny, "train")[0].numel(), 4, 2), tiny, 60)
    export(os.path.join(root, "tests/data/tiny.onnx"), net, images(tiny, "train"))
    onnx.save(Quantized(net, images(tiny, "train")).model(images(tiny, "train").shape[1:]),
              os.path.join(root, "tests/data/tiny_qdq.onnx"))
    net = train(mlp(images(rgb, "train")[0].numel(), 6, 3), rgb, 200)
    export(os.path.join(root, "tests/data/tiny_rgb.onnx"), net, images(rgb, "train"))
    small = torch.zeros(2, 1, 2, 2)
    net = mlp(4, 2, 2).eval()
    export(os.path.join(corpus, "gemm"), net, small)
    onnx.save(Quantized(net, small + 1).model((1, 2, 2)), os.path.join(corpus, "qdq"))
    export(os.path.join(corpus, "rich"), Rich(4, 3).eval(), small)
    export(os.path.join(corpus, "bad_conv"), nn.Conv2d(1, 2, 2).eval(), small)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    if sys.argv[1] == "--fixtures":
        fixtures()
    for path in sys.argv[2:]:
        make(sys.argv[1], path)


if __name__ == "__main__":
    main()
