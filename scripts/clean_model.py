#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrites an ONNX model so that ONNX Runtime runs it faster; the outputs stay what they were, up to rounding.

    scripts/clean_model.py IN.onnx OUT.onnx

Three things in published face models slow ONNX Runtime down:
  - initialisers listed again as graph inputs: a caller could override them, so nothing is folded into them;
  - PRelu, which has no kernel in the blocked layout (NCHWc) of the convolutions: each one costs two changes of layout;
  - denormal weights: arithmetic with them is many times slower on most processors.
Everything else, a batch dimension fixed to 1 among it, stays as it is. The same input gives the same bytes with
the same version of python3-onnx. Exit status: 0 written, 1 the model cannot be read or is not valid, 2 wrong usage.
"""
import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Since this version of the operator set PRelu's slope broadcasts as in numpy; before, it meant one slope per channel.
PRELU_BROADCASTS_SINCE = 7
# Since this version of the format an initialiser need not be a graph input.
IR_WITH_FREE_INITIALIZERS = 4
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)


def drop_initializers_from_inputs(model):
    """Removes graph inputs that are initialisers and returns how many there were."""
    graph = model.graph
    names = {tensor.name for tensor in graph.initializer}
    kept = [value for value in graph.input if value.name not in names]
    dropped = len(graph.input) - len(kept)
    if dropped:
        del graph.input[:]
        graph.input.extend(kept)
        model.ir_version = max(model.ir_version, IR_WITH_FREE_INITIALIZERS)
    return dropped


def flush_denormals(graph):
    """Sets denormal float weights to zero, in place, and returns how many there were."""
    flushed = 0
    for tensor in constant_tensors(graph):
        if tensor.data_type not in FLOATS:
            continue
        values = numpy_helper.to_array(tensor)
        denormal = (values != 0) & (np.abs(values) < np.finfo(values.dtype).tiny)
        if denormal.any():
            flat = np.where(denormal, values.dtype.type(0), values)
            tensor.CopyFrom(numpy_helper.from_array(flat, tensor.name))
            flushed += int(denormal.sum())
    return flushed


def constant_tensors(graph):
    """All tensors of known value in a graph: its initialisers and the values of its Constant nodes."""
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant":
            yield from (attribute.t for attribute in node.attribute if attribute.name == "value")


def constants_by_name(graph):
    """The tensors of known value in a graph, by the name under which nodes use them."""
    known = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            known.update({node.output[0]: attribute.t for attribute in node.attribute if attribute.name == "value"})
    return known


def replace_prelu(model):
    """Writes PRelu(x, s) as s*x + (1-s)*Relu(x) where s is a constant, and returns (replaced, left alone).

    Mul and Add broadcast s and 1-s, which has the shape of s, exactly as PRelu does: the shape of x decides.
    """
    graph = model.graph
    version = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    known = constants_by_name(graph)
    nodes, replaced, left = [], 0, 0
    complements = {}
    for node in graph.node:
        slope = known.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None or version < PRELU_BROADCASTS_SINCE or slope.data_type not in FLOATS:
            left += node.op_type == "PRelu"
            nodes.append(node)
            continue
        x, s = node.input
        if s not in complements:
            values = numpy_helper.to_array(slope)
            complements[s] = s + "/one_minus"
            one_minus = np.asarray(1 - values.astype(np.float64), dtype=values.dtype)
            graph.initializer.append(numpy_helper.from_array(one_minus, complements[s]))
        y = node.output[0]
        nodes += [
            helper.make_node("Relu", [x], [y + "/relu"], name=y + "/Relu"),
            helper.make_node("Mul", [x, s], [y + "/all"], name=y + "/MulAll"),
            helper.make_node("Mul", [y + "/relu", complements[s]], [y + "/positive"], name=y + "/MulPositive"),
            helper.make_node("Add", [y + "/all", y + "/positive"], [y], name=y + "/Add"),
        ]
        replaced += 1
    if replaced:
        del graph.node[:]
        graph.node.extend(nodes)
    return replaced, left


def check(model):
    """Raises where the model is not valid; a model newer than the installed python3-onnx cannot be judged and passes."""
    if model.ir_version <= onnx.IR_VERSION:
        onnx.checker.check_model(model)


def write_atomically(model, path):
    """Writes the model beside its place and renames it, so that there is never half a model."""
    temporary = f"{path}.tmp{os.getpid()}"
    try:
        with open(temporary, "wb") as out:
            out.write(model.SerializeToString(deterministic=True))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def main():
    if len(sys.argv) != 3:
        print("usage: scripts/clean_model.py IN.onnx OUT.onnx", file=sys.stderr)
        return 2
    source, target = sys.argv[1:]
    try:
        model = onnx.load(source)
        check(model)
        inputs = drop_initializers_from_inputs(model)
        replaced, left = replace_prelu(model)
        denormals = flush_denormals(model.graph)
        check(model)
        write_atomically(model, target)
    except Exception as error:  # onnx and protobuf raise many types; each means that this model cannot be cleaned
        print(f"clean_model: {source}: {error}", file=sys.stderr)
        return 1
    note = f" ({left} with a computed slope left)" if left else ""
    print(f"{target}: {inputs} initialisers taken from the inputs, {replaced} PRelu rewritten{note}, "
          f"{denormals} denormal weights set to zero")
    return 0


if __name__ == "__main__":
    sys.exit(main())
