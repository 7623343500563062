#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a tiny ONNX recogniser for tests: make_onnx.py OUT.onnx SIDE DIM [INPUT-NAME]

Its embedding is a fixed linear map of the picture's mean colour, so that a test can compute what must come out.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

out, side, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
name = sys.argv[4] if len(sys.argv) > 4 else "data"
weights = np.zeros((3, dim), np.float32)
for i in range(dim):
    weights[i % 3, i] = 1 + i // 3
graph = helper.make_graph(
    [
        helper.make_node("GlobalAveragePool", [name], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["fc"]),
    ],
    "tiny",
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, side, side])],
    [helper.make_tensor_value_info("fc", TensorProto.FLOAT, [1, dim])],
    [numpy_helper.from_array(weights, "weights")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
model.ir_version = 6
onnx.save(model, out)
