#!/usr/bin/env python3
"""Exports one small network after another with PyTorch, in the forms that its exporters have:
make_onnx_torch.py OUT DATA.npz

Writes OUT/NAME.onnx and OUT/NAME.npz as make_onnx.py does, whose labels of val and test are PyTorch's own
answers.  The exporter of torch.export, which is the default from PyTorch 2.9 on and writes weights into a file
beside the network, is left out where it or onnxscript is not installed.  Needs torch and onnx.
"""
import os
import sys
import warnings

import numpy as np
import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import images, save_answers, train  # noqa: E402

HIDDEN = 8


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Polynomial(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.full((HIDDEN,), 0.3)), nn.Parameter(torch.rand(HIDDEN))

    def forward(self, x):
        return self.a * x * x + self.b * x + 0.2


ACTIVATIONS = {"leaky": nn.LeakyReLU(0.1), "prelu": nn.PReLU(), "prelu_channels": nn.PReLU(HIDDEN), "elu": nn.ELU(),
               "gelu": nn.GELU(), "silu": nn.SiLU(), "mish": nn.Mish(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(),
               "softplus": nn.Softplus(), "hardswish": nn.Hardswish(), "hardsigmoid": nn.Hardsigmoid(),
               "square": Of(lambda x: x * x), "power": Of(lambda x: x ** 2), "polynomial": Polynomial(),
               "where": Of(lambda x: torch.where(x > 0, x, 0.05 * x)), "clamp": Of(lambda x: x.clamp(min=0)),
               "absolute": Of(torch.abs)}


class Whole(nn.Module):
    """A network around a form of its ends or its layers."""

    def __init__(self, inputs, classes, form):
        super().__init__()
        self.a, self.b, self.form = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, classes), form
        self.norm = nn.BatchNorm1d(HIDDEN)
        self.register_buffer("mean", torch.rand(inputs))

    def forward(self, x):
        return self.form(self, x)


def left(net, x):
    hidden = torch.relu(net.a.weight @ x.flatten(1).t() + net.a.bias[:, None])
    return (net.b.weight @ hidden + net.b.bias[:, None]).t()


FORMS = {"norm_behind": lambda net, x: net.b(net.norm(torch.relu(net.a(x.flatten(1))))),
         "norm_tanh": lambda net, x: net.b(net.norm(torch.tanh(net.a(x.flatten(1))))),
         "view": lambda net, x: net.b(torch.relu(net.a(x.view(x.size(0), -1)))),
         "per_pixel": lambda net, x: net.b(torch.relu(net.a((x.flatten(1) - net.mean) / 0.7))),
         "nhwc": lambda net, x: net.b(torch.relu(net.a(x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)))),
         "left": left,
         "scaled": lambda net, x: net.b(3 * torch.relu(net.a(x.flatten(1))) - 0.3) / 2,
         "softmax": lambda net, x: torch.softmax(net.b(torch.relu(net.a(x.flatten(1)))), 1)}


def export(path, net, example, batch, is_new):
    example = example[:batch]
    if is_new:
        torch.onnx.export(net, (example,), path, dynamo=True, verbose=False)
    elif has_new():
        torch.onnx.export(net, (example,), path, dynamo=False)
    else:
        torch.onnx.export(net, example, path)


def has_new():
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        return False
    return hasattr(torch, "export")


def main():
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    out, path = sys.argv[1:3]
    data = dict(np.load(path))
    x = images(data, "train")
    inputs, classes = x[0].numel(), 2
    nets = {name: nn.Sequential(nn.Flatten(), nn.Linear(inputs, HIDDEN), act, nn.Linear(HIDDEN, classes))
            for name, act in ACTIVATIONS.items()}
    nets.update({name: Whole(inputs, classes, form) for name, form in FORMS.items()})
    for i, (name, net) in enumerate(nets.items()):
        train(net, data, 20)
        for is_new in [False, True] if has_new() else [False]:
            stem = os.path.join(out, "%s_%s" % (name, "new" if is_new else "old"))
            export(stem + ".onnx", net, x, 8 if i % 4 == 0 else 1, is_new)
            save_answers(stem + ".npz", net, data)


if __name__ == "__main__":
    main()
