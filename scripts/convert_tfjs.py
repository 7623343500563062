#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Converts one output of a TensorFlow.js graph model into an ONNX model.

    scripts/convert_tfjs.py MODEL.json OUTPUT OUT.onnx

The weight files are read from where MODEL.json says, beside it. Nodes that OUTPUT does not need are left out. The input
keeps its layout (batch x height x width x channels); inside, pictures are laid out with the channels first, as ONNX has
them. Known are the operators of mobile networks for classification; another one ends the conversion with its name. The
same input gives the same bytes with the same version of python3-onnx. Exit status: 0 written, 1 the model cannot be
converted, 2 wrong usage.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True  # this folder is the installation's
import tfjs_graph  # noqa: E402  (found beside this file)

OPSET = 13
IR_VERSION = 7  # the first that belongs to this version of the operator set
ELEMENTWISE = {"Add": "Add", "AddV2": "Add", "Maximum": "Max", "Minimum": "Min", "Mul": "Mul"}
UNARY = {"Relu": "Relu", "Sigmoid": "Sigmoid"}


class Converter:
    """Collects the nodes and weights of the ONNX graph. pictures: names of values with four axes, channels first."""

    def __init__(self, nodes, constants):
        self.nodes, self.constants = nodes, constants
        self.out, self.tensors = [], {}
        self.pictures = set()

    def add(self, kind, inputs, output, **attributes):
        self.out.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def weight(self, name, values):
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def operand(self, name):
        """A value as an operand of an elementwise operator; a constant per channel stands before rows and columns."""
        if name not in self.constants:
            return name
        values = self.constants[name]
        return self.weight(name, values.reshape(-1, 1, 1) if values.ndim == 1 else values)

    def constant(self, node, which):
        name = tfjs_graph.inputs_of(node)[which]
        if name not in self.constants:
            raise ValueError(f"{node['name']}: its operand {name} is computed, expected a constant")
        return self.constants[name]

    def convert(self, name):
        node = self.nodes[name]
        kind, inputs = node["op"], tfjs_graph.inputs_of(node)
        if kind == "Const":
            return
        if kind in ("Conv2D", "DepthwiseConv2dNative"):
            self.convolution(node, kind != "Conv2D")
        elif kind in ELEMENTWISE:
            self.elementwise(node, ELEMENTWISE[kind])
        elif kind in UNARY:
            self.add(UNARY[kind], inputs, name)
            self.follow(node)
        elif kind == "Mean":
            self.mean(node)
        elif kind == "_FusedMatMul":
            self.fused_matmul(node)
        elif kind == "Softmax":
            if inputs[0] in self.pictures:
                raise ValueError(f"{name}: Softmax of a picture")
            self.add("Softmax", inputs, name, axis=-1)
        else:
            raise ValueError(f"{name}: operator {kind} is not known")

    def follow(self, node):
        """What is computed from a picture number by number is a picture."""
        if any(name in self.pictures for name in tfjs_graph.inputs_of(node)):
            self.pictures.add(node["name"])

    def elementwise(self, node, kind):
        name, inputs = node["name"], tfjs_graph.inputs_of(node)
        if not any(other in self.pictures for other in inputs):
            raise ValueError(f"{name}: {node['op']} outside the convolutions")
        for other in inputs:
            if other in self.constants and self.constants[other].ndim > 1:
                raise ValueError(f"{name}: {other} has {self.constants[other].ndim} axes, expected one number or a row")
        self.add(kind, [self.operand(other) for other in inputs], name)
        self.follow(node)

    def convolution(self, node, depthwise):
        tfjs_graph.check_convolution(node)
        name, inputs = node["name"], tfjs_graph.inputs_of(node)
        kernel = self.constant(node, 1)
        if depthwise:  # height x width x channels x outputs of each
            groups, weights = kernel.shape[2], kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
        else:  # height x width x channels in x channels out
            groups, weights = 1, kernel.transpose(3, 2, 0, 1)
        padding = {"SAME": "SAME_UPPER", "VALID": "VALID"}[tfjs_graph.attribute(node, "padding")]
        self.add("Conv", [inputs[0], self.weight(inputs[1], weights)], name, group=groups, auto_pad=padding,
                 strides=tfjs_graph.attribute(node, "strides")[1:3], kernel_shape=kernel.shape[:2])
        self.pictures.add(name)

    def mean(self, node):
        name, inputs = node["name"], tfjs_graph.inputs_of(node)
        axes = [int(axis) for axis in self.constant(node, 1)]
        if inputs[0] not in self.pictures or sorted(axes) != [1, 2] or tfjs_graph.attribute(node, "keep_dims"):
            raise ValueError(f"{name}: mean over axes {axes}, expected rows and columns of a picture, not kept")
        self.add("ReduceMean", [inputs[0]], name, axes=[2, 3], keepdims=0)

    def fused_matmul(self, node):
        name, inputs = node["name"], tfjs_graph.inputs_of(node)
        if inputs[0] in self.pictures or tfjs_graph.attribute(node, "transpose_a") or \
                tfjs_graph.attribute(node, "transpose_b"):
            raise ValueError(f"{name}: product of a picture, or with transposed operands")
        steps = [("MatMul", [inputs[0], self.weight(inputs[1], self.constant(node, 1))])]
        for which, step in enumerate(tfjs_graph.attribute(node, "fused_ops", [])):
            if step == "BiasAdd" and which == 0:
                steps.append(("Add", [None, self.weight(inputs[2], self.constant(node, 2))]))
            elif step == "Relu":
                steps.append(("Relu", [None]))
            else:
                raise ValueError(f"{name}: fused operator {step} at place {which}")
        for number, (kind, operands) in enumerate(steps):
            last = number == len(steps) - 1
            before = f"{name}/step{number - 1}"
            self.add(kind, [before if other is None else other for other in operands],
                     name if last else f"{name}/step{number}")


def convert(path, output):
    """The ONNX model of one output of a graph model."""
    nodes, source, shape, constants = tfjs_graph.load(path)
    order = tfjs_graph.order_of(nodes, output)
    if len(shape) != 4 or source not in order:
        raise ValueError(f"input {source} of {shape}, expected a picture of four axes on which {output} depends")
    converter = Converter(nodes, constants)
    first = f"{source}/channels_first"
    converter.add("Transpose", [source], first, perm=[0, 3, 1, 2])
    converter.pictures.add(source)
    for name in order:
        if name != source:
            converter.convert(name)
    for node in converter.out[1:]:
        for place, name in enumerate(node.input):
            if name == source:
                node.input[place] = first
    # The channels would have to be moved back; a network that ends in a picture is no use here.
    if output in converter.pictures:
        raise ValueError(f"{output} is a picture, expected a row of numbers")
    graph = helper.make_graph(converter.out, output,
                              [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, None])],
                              list(converter.tensors.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def main():
    if len(sys.argv) != 4:
        print("usage: scripts/convert_tfjs.py MODEL.json OUTPUT OUT.onnx", file=sys.stderr)
        return 2
    path, output, target = sys.argv[1:]
    try:
        model = convert(path, output)
        with open(target, "wb") as out:
            out.write(model.SerializeToString(deterministic=True))
    except Exception as error:  # json, onnx and the file system raise many types; each means the same
        print(f"convert_tfjs: {path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
