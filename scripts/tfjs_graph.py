#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a TensorFlow.js graph model, and computes it with numpy, layer by layer as TensorFlow defines the operators.

    scripts/tfjs_graph.py MODEL.json OUTPUT IN.npy OUT.npy

IN.npy is float32, inputs in the order of the model's input one after the other, in rows of any length. OUT.npy gets the
values of OUTPUT, one row for each. convert_tfjs.py uses the reading half; `likeness models fetch` compares what this
program computes with what ONNX Runtime makes of the converted file, so the two share no code for the operators.
Exit status: 0 written, 1 the model cannot be read, 2 wrong usage.
"""
import base64
import graphlib
import json
import os
import sys

import numpy as np

MAX_WEIGHTS = 1 << 30  # bytes
DTYPES = {"float32": np.float32, "int32": np.int32}


def load(path):
    """Returns (nodes by name, input name, input shape, constants by name) of a graph model and its weight files."""
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    if model.get("format") != "graph-model":
        raise ValueError(f"'format' is {model.get('format')!r}, expected 'graph-model'")
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    constants = {}
    for group in model["weightsManifest"]:
        constants.update(read_group(group, os.path.dirname(path)))
    inputs = [node for node in nodes.values() if node["op"] == "Placeholder"]
    if len(inputs) != 1:
        raise ValueError(f"{len(inputs)} inputs, expected one")
    shape = [int(dim["size"]) for dim in inputs[0]["attr"]["shape"]["shape"]["dim"]]
    return nodes, inputs[0]["name"], [1 if size < 0 else size for size in shape], constants


def read_group(group, folder):
    """The tensors of one entry of the weights manifest; 16-bit floats become 32-bit ones."""
    data = b""
    for name in group["paths"]:
        if os.path.basename(name) != name:
            raise ValueError(f"weight file {name!r}, expected a plain name")
        with open(os.path.join(folder, name), "rb") as file:
            data += file.read(MAX_WEIGHTS + 1 - len(data))
    if len(data) > MAX_WEIGHTS:
        raise ValueError(f"more than {MAX_WEIGHTS} bytes of weights")
    at, tensors = 0, {}
    for weight in group["weights"]:
        stored = DTYPES[weight["dtype"]]
        if "quantization" in weight:
            if weight["quantization"]["dtype"] != "float16":
                raise ValueError(f"{weight['name']}: quantized to {weight['quantization']['dtype']}, expected float16")
            stored = np.float16
        count = int(np.prod(weight["shape"], dtype=np.int64))
        values = np.frombuffer(data, np.dtype(stored).newbyteorder("<"), count, at)
        at += values.nbytes
        tensors[weight["name"]] = values.reshape(weight["shape"]).astype(DTYPES[weight["dtype"]])
    if at != len(data):
        raise ValueError(f"{', '.join(group['paths'])}: {len(data)} bytes, the manifest describes {at}")
    return tensors


def attribute(node, name, fallback=None):
    """An attribute of a node as a plain value."""
    value = node.get("attr", {}).get(name)
    if value is None:
        return fallback
    (kind, content), = value.items()
    if kind == "list":
        return [text(item) if "s" in content else int(item) for item in next(iter(content.values()), [])]
    return {"s": text, "i": int, "f": float, "b": bool}.get(kind, lambda x: x)(content)


def text(encoded):
    """A string of a graph model, where they are written in base64."""
    return base64.b64decode(encoded).decode("ascii")


def inputs_of(node):
    """Names of the nodes that a node takes its values from, control inputs aside."""
    return [name.split(":")[0] for name in node.get("input", []) if not name.startswith("^")]


def check_convolution(node):
    """Raises where a convolution is of a form that neither this program nor the converter handles."""
    wanted = {"data_format": "NHWC", "dilations": [1, 1, 1, 1]}
    for name, value in wanted.items():
        if attribute(node, name, value) != value:
            raise ValueError(f"{node['name']}: {name} {attribute(node, name)}, expected {value}")
    if attribute(node, "padding") not in ("SAME", "VALID"):
        raise ValueError(f"{node['name']}: padding {attribute(node, 'padding')}, expected SAME or VALID")


# ---- operators -------------------------------------------------------------------------------------------------------


def windows(node, x, height, width):
    """x of 1 x H x W x C as windows: rows x columns x height x width x C, padded as TensorFlow's documents say."""
    check_convolution(node)
    _, down, across, _ = attribute(node, "strides")
    pads = [(0, 0), (0, 0)]
    if attribute(node, "padding") == "SAME":
        for axis, (size, kernel, stride) in enumerate(((x.shape[1], height, down), (x.shape[2], width, across))):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads[axis] = (total // 2, total - total // 2)
    padded = np.pad(x[0], (*pads, (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(0, 1))
    return view[::down, ::across].transpose(0, 1, 3, 4, 2)


def convolution(node, x, kernel):
    """Conv2D: kernel of height x width x channels in x channels out."""
    view = windows(node, x, *kernel.shape[:2])
    rows, columns = view.shape[:2]
    flat = view.reshape(rows * columns, -1) @ kernel.reshape(-1, kernel.shape[3])
    return flat.reshape(1, rows, columns, -1)


def depthwise(node, x, kernel):
    """DepthwiseConv2dNative: kernel of height x width x channels x outputs of each channel."""
    view = windows(node, x, *kernel.shape[:2])
    out = np.einsum("rcijk,ijkm->rckm", view, kernel)
    return out.reshape(1, *out.shape[:2], -1)


def fused_matmul(node, x, kernel, *rest):
    """_FusedMatMul: a product and the steps behind it that the graph optimiser merged into it."""
    if attribute(node, "transpose_a") or attribute(node, "transpose_b"):
        raise ValueError(f"{node['name']}: transposed operands")
    out, rest = x @ kernel, list(rest)
    for step in attribute(node, "fused_ops", []):
        if step == "BiasAdd":
            out = out + rest.pop(0)
        elif step == "Relu":
            out = np.maximum(out, 0)
        else:
            raise ValueError(f"{node['name']}: fused operator {step}")
    return out


def softmax(_, x):
    """Softmax over the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


OPERATORS = {
    "Add": lambda node, a, b: a + b,
    "AddV2": lambda node, a, b: a + b,
    "Conv2D": convolution,
    "DepthwiseConv2dNative": depthwise,
    "Maximum": lambda node, a, b: np.maximum(a, b),
    "Mean": lambda node, x, axes: x.mean(axis=tuple(axes), keepdims=bool(attribute(node, "keep_dims"))),
    "Minimum": lambda node, a, b: np.minimum(a, b),
    "Mul": lambda node, a, b: a * b,
    "Relu": lambda node, x: np.maximum(x, 0),
    "Sigmoid": lambda node, x: 1 / (1 + np.exp(-x)),
    "Softmax": softmax,
    "_FusedMatMul": fused_matmul,
}


def order_of(nodes, output):
    """Names of the nodes that output needs, each after those that it takes its values from."""
    needed, waiting = {}, [output]
    while waiting:
        name = waiting.pop()
        if name not in nodes:
            raise ValueError(f"there is no node {name!r}")
        if name not in needed:
            needed[name] = inputs_of(nodes[name])
            waiting += needed[name]
    return list(graphlib.TopologicalSorter(needed).static_order())


def compute(nodes, constants, order, given):
    """The value of the last node of order, from those of the input."""
    values = dict(given)
    for name in order:
        node = nodes[name]
        if node["op"] == "Const":
            values[name] = constants[name]
        elif node["op"] != "Placeholder":
            if node["op"] not in OPERATORS:
                raise ValueError(f"{name}: operator {node['op']} is not known")
            values[name] = OPERATORS[node["op"]](node, *(values[other] for other in inputs_of(node)))
    return values[order[-1]]


def main():
    if len(sys.argv) != 5:
        print("usage: scripts/tfjs_graph.py MODEL.json OUTPUT IN.npy OUT.npy", file=sys.stderr)
        return 2
    path, output, source, target = sys.argv[1:]
    try:
        nodes, name, shape, constants = load(path)
        order = order_of(nodes, output)
        pictures = np.load(source).reshape(-1, *shape)
        rows = [compute(nodes, constants, order, {name: picture}).ravel() for picture in pictures]
        with open(target, "wb") as out:
            np.save(out, np.stack(rows).astype(np.float32))
    except Exception as error:  # json, numpy and the file system raise many types; each means the same
        print(f"tfjs_graph: {path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
