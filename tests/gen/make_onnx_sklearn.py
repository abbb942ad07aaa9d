#!/usr/bin/env python3
"""Fits small models with scikit-learn and converts them with skl2onnx: make_onnx_sklearn.py OUT DATA.npz

Writes OUT/NAME.onnx, and OUT/NAME.npz with scikit-learn's own answers as the labels of val and test.  Pixels
enter as make_onnx.py has them.  Needs scikit-learn and skl2onnx.
"""
import os
import sys
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx

MEAN, STD = 0.5, 0.25


def rows(data, split):
    x = data[split + "_images"].astype(np.float32) / 255
    return ((x - MEAN) / STD).reshape(len(x), -1).astype(np.float32)


def main():
    warnings.simplefilter("ignore")
    out, path = sys.argv[1:3]
    data = dict(np.load(path))
    x, y = rows(data, "train"), data["train_labels"].reshape(-1).astype(int)
    models = {"mlp": MLPClassifier((6,), random_state=1, max_iter=100),
              "mlp_tanh": MLPClassifier((6,), activation="tanh", random_state=1, max_iter=100),
              "mlp_logistic": MLPClassifier((6, 5), activation="logistic", random_state=1, max_iter=300),
              "scaled": make_pipeline(StandardScaler(), MLPClassifier((6,), random_state=1, max_iter=100)),
              "linear": make_pipeline(StandardScaler(), LogisticRegression())}
    for name, model in models.items():
        model.fit(x, y)
        arrays = dict(data)
        for split in "val", "test":
            arrays[split + "_labels"] = model.predict(rows(data, split)).astype(np.uint8)
        last = model.steps[-1][1] if hasattr(model, "steps") else model
        for zipmap in True, False:
            stem = os.path.join(out, "sklearn_%s_%s" % (name, "map" if zipmap else "array"))
            with open(stem + ".onnx", "wb") as f:
                f.write(to_onnx(model, x[:1], options={id(last): {"zipmap": zipmap}}).SerializeToString())
            np.savez(stem + ".npz", **arrays)


if __name__ == "__main__":
    main()
