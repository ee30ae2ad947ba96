#!/usr/bin/env python3
"""The PixelCNNs of benches/networks.json as ONNX files, built by hand, with random weights: what onnxruntime is given to draw.

    python3 benches/peers_onnx.py FOLDER [ID...]

Masked weights are zeros of dense convolutions, as every framework has them. Input `image` [batch, channels, height, width], output
`logits` [batch, channels * logits, height, width].
"""

import json
import pathlib
import sys

import numpy as np

NETWORKS = json.loads(pathlib.Path(__file__).with_name("networks.json").read_text())
OPSET = 17
# Read by every onnxruntime of the last years.
IR_VERSION = 8


def mask(kind, groups, shape):
    """Mask A or B of a convolution [out, in, side, side]: rows above, columns to the left, and earlier colours of the pixel."""
    out_features, in_features, side, _ = shape
    middle = side // 2
    allowed = np.zeros(shape, np.float32)
    allowed[:, :, :middle] = 1
    allowed[:, :, middle, :middle] = 1
    out_group = np.arange(out_features)[:, None] * groups // out_features
    in_group = np.arange(in_features)[None, :] * groups // in_features
    allowed[:, :, middle, middle] = in_group < out_group if kind == "A" else in_group <= out_group
    return allowed


def logits_of(config):
    return 1 if config["levels"] == 2 else config["levels"]


class Builder:
    def __init__(self, groups):
        self.nodes, self.weights, self.groups, self.count = [], [], groups, 0
        self.random = np.random.default_rng(1)

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def node(self, kind, inputs, **attributes):
        from onnx import helper

        output = self.name()
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, values):
        from onnx import numpy_helper

        name = self.name()
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x, in_features, out_features, side=1, kind="B"):
        shape = (out_features, in_features, side, side)
        weight = self.random.standard_normal(shape, np.float32) * (in_features * side * side) ** -0.5
        inputs = [x, self.constant(weight * mask(kind, self.groups, shape)), self.constant(np.zeros(out_features, np.float32))]
        return self.node("Conv", inputs, kernel_shape=[side, side], pads=[side // 2] * 4)

    def relu(self, x):
        return self.node("Relu", [x])


def build(config):
    from onnx import TensorProto, helper

    channels, h, head = config["channels"], config["h"], config["head"]
    size = [config["height"], config["width"]]
    net = Builder(channels)
    x = net.conv("image", channels, 2 * h, 7, "A")
    skips = None
    for _ in range(config["layers"]):
        y = net.relu(net.conv(net.relu(x), 2 * h, h))
        y = net.relu(net.conv(y, h, h, 3))
        x = net.node("Add", [x, net.conv(y, h, 2 * h)])
        if config.get("skip"):
            skip = net.conv(y, h, 2 * h)
            skips = net.node("Add", [skips, skip]) if skips else skip
    x = net.node("Add", [x, skips]) if skips else x
    outputs = channels * logits_of(config)
    x = net.conv(net.relu(net.conv(net.relu(x), 2 * h, head)), head, outputs)
    net.nodes.append(helper.make_node("Identity", [x], ["logits"]))
    graph = helper.make_graph(
        net.nodes,
        "pixelcnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", channels, *size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs, *size])],
        net.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def main():
    import onnx

    folder, *ids = sys.argv[1:]
    for network in NETWORKS:
        if "onnxruntime" in network["peers"] and (not ids or network["id"] in ids):
            onnx.save(build(network["config"]), str(pathlib.Path(folder) / f"{network['id']}.onnx"))


if __name__ == "__main__":
    main()
