#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_tiny_model.py DIR [BATCH] - writes DIR/tiny.onnx and DIR/tiny.json: a "recogniser" that averages 4 x 4 fields.

BATCH: free (the default) - it takes any number of crops at once; one - one; mixes - any number, but what it gives for
each depends on the others. All give the same for one crop.

It knows nothing about faces, but is fast, has no weights, and gives different pictures different vectors: enough to test
all that goes on around a network. Exit code 77 when python3-onnx is missing.
"""
import hashlib
import json
import pathlib
import sys

try:
    from onnx import TensorProto, checker, helper
except ImportError:
    print("python3-onnx is not installed")
    sys.exit(77)

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
batch = sys.argv[2] if len(sys.argv) > 2 else "free"
n = 1 if batch == "one" else "n"
nodes = [
    helper.make_node("AveragePool", ["face"], ["pooled"], kernel_shape=[28, 28], strides=[28, 28]),
    helper.make_node("Flatten", ["pooled"], ["flat" if batch == "mixes" else "vector"], axis=1),
]
if batch == "mixes": # (x + the mean of the batch) / 2
    nodes.append(helper.make_node("ReduceMean", ["flat"], ["all"], axes=[0]))
    nodes.append(helper.make_node("Mean", ["flat", "all"], ["vector"]))
graph = helper.make_graph(
    nodes,
    "tiny",
    [helper.make_tensor_value_info("face", TensorProto.FLOAT, [n, 3, 112, 112])],
    [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [n, 48])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
model.ir_version = 6
checker.check_model(model)
data = model.SerializeToString()
(folder / "tiny.onnx").write_bytes(data)
descriptor = {
    "name": "tiny",
    "title": "4 x 4 averages, for tests",
    "task": "recognise",
    "licence": "Apache-2.0",
    "restricted": False,
    "source": "tests/cli/make_tiny_model.py",
    "file": "tiny.onnx",
    "sha256": hashlib.sha256(data).hexdigest(),
    "npm": None,
    "clean": False,
    "input": {"name": "face", "width": 112, "height": 112, "layout": "nchw", "channels": "rgb",
              "mean": [127.5, 127.5, 127.5], "scale": [1 / 127.5, 1 / 127.5, 1 / 127.5]},
    "output": "vector",
    "dim": 48,
    "template": "arcface112",
    "thresholds": [],
}
(folder / "tiny.json").write_text(json.dumps(descriptor, indent=2) + "\n")
