#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a tiny ONNX recogniser for tests: make_onnx.py OUT.onnx SIDE DIM [INPUT-NAME [BATCH]]

Its embedding is a fixed linear map of the picture's mean colour, so that a test can compute what must come out.
BATCH: one (the default) - the file says that it takes one picture; free - any number; mixes - any number, but their
embeddings depend on one another; fails - the file says any number, but more than one fail; counts - any number, and the
embeddings depend on how many, but not on one another.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

out, side, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
name = sys.argv[4] if len(sys.argv) > 4 else "data"
batch = sys.argv[5] if len(sys.argv) > 5 else "one"
n = 1 if batch == "one" else "n"
weights = np.zeros((3, dim), np.float32)
for i in range(dim):
    weights[i % 3, i] = 1 + i // 3
graph = helper.make_graph(
    [
        helper.make_node("GlobalAveragePool", [name], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["fc" if batch in ("one", "free") else "each"]),
    ]
    + [helper.make_node("ReduceMean", ["each"], ["all"], axes=[0]), helper.make_node("Add", ["each", "all"], ["fc"])]
    * (batch == "mixes")
    + [helper.make_node("Reshape", ["each", "shape"], ["fc"])] * (batch == "fails")
    + [
        helper.make_node("Shape", [name], ["sizes"]),
        helper.make_node("Gather", ["sizes", "zero"], ["count"]),
        helper.make_node("Cast", ["count"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Pow", ["number", "first"], ["factors"]), # of the first coordinate the count, of others 1
        helper.make_node("Mul", ["each", "factors"], ["fc"]),
    ]
    * (batch == "counts"),
    "tiny",
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [n, 3, side, side])],
    [helper.make_tensor_value_info("fc", TensorProto.FLOAT, [n, dim])],
    [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([1, dim], np.int64), "shape"),
        numpy_helper.from_array(np.array(0, np.int64), "zero"),
        numpy_helper.from_array(np.eye(1, dim, dtype=np.float32)[0], "first"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
model.ir_version = 6
onnx.save(model, out)
