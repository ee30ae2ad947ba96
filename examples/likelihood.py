#!/usr/bin/env python3
"""How likely images are under a weights file of pixelrnn, with nothing but NumPy.

    pixelrnn sample --model FILE.safetensors --seed 7 --count 8 --out images.npy
    python3 examples/likelihood.py FILE.safetensors images.npy

prints what `pixelrnn score` says of these images. This is the README's section "The weights file" as a program, to be read
beside the paper, "Pixel Recurrent Neural Networks" (van den Oord et al., 2016). Axes are [image, feature, y, x].
"""

import json
import sys

import numpy as np


def read(path):
    """The configuration of the network, and its weights by name. The file is the length of a header, the header, the numbers."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        numbers = file.read()
    config, weights = json.loads(header.pop("__metadata__")["config"]), {}
    for name, tensor in header.items():
        raw = numbers[slice(*tensor["data_offsets"])]
        if tensor["dtype"] == "BF16":  # the upper half of a 32-bit number
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[tensor["dtype"]])
        weights[name] = values.astype(float).reshape(tensor["shape"])
    return config, weights


def mask(kind, channels, gates, shape):
    """§3.4: 1 where a weight [out, in, y, x] reads what was drawn before, 0 elsewhere. Feature k of n has the colour
    k * channels // n; the features of an LSTM's input-to-state are counted inside each gate."""
    n_out, n_in, height, width = shape
    features = n_out // gates
    colour_out = np.arange(n_out) % features * channels // features
    colour_in = np.arange(n_in) * channels // n_in
    seen = np.less if kind == "A" else np.less_equal
    allowed = np.zeros(shape)
    allowed[:, :, : height // 2] = 1
    allowed[:, :, height // 2, : width // 2] = 1
    allowed[:, :, height // 2, width // 2] = seen(colour_in, colour_out[:, None])
    return allowed


def convolve(x, weight):
    """Sum over the taps of a kernel [out, in, y, x], zeros around the image."""
    height, width = weight.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0), (height // 2, height // 2), (width // 2, width // 2)])
    out = 0
    for dy, dx in np.ndindex(height, width):
        seen = padded[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]
        out = out + np.einsum("oi,niyx->noyx", weight[:, :, dy, dx], seen, optimize=True)
    return out


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def lstm_step(pre, c):
    """Eq. 3: the state and the cell of a pixel from 4h features before the gates and the cell of the pixel before."""
    o, f, i, g = np.split(pre, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


class Network:
    def __init__(self, path):
        self.config, self.weights = read(path)
        if "conditioning" in self.config:
            sys.exit(f"{path}: a network of several scales found, one of one scale expected")

    def conv(self, name, x, kind="B", gates=1):
        """A masked convolution."""
        weight = self.weights[f"{name}.weight"]
        allowed = mask(kind, self.config["channels"], gates, weight.shape)
        return convolve(x, weight * allowed) + self.weights[f"{name}.bias"][:, None, None]

    def pixelcnn(self, name, x):
        """§3.5: the convolutions of a block (Fig. 5) but the last."""
        return relu(self.conv(f"{name}.conv", relu(self.conv(f"{name}.reduce", relu(x)))))

    def row_lstm(self, name, x):
        """§3.1: row after row, all pixels of a row at once. The row above the image has the initial state."""
        inputs = self.conv(f"{name}.lstm.input_to_state", x, gates=4)
        n, _, height, width = inputs.shape
        initial = [self.weights[f"{name}.lstm.initial_{of}"] for of in "hc"]
        h, c = [np.tile(state[:, None, None], (n, 1, 1, width)) for state in initial]
        rows = []
        for y in range(height):
            pre = inputs[:, :, y : y + 1] + convolve(h, self.weights[f"{name}.lstm.state_to_state"])
            h, c = lstm_step(pre, c)
            rows.append(h)
        return np.concatenate(rows, axis=2)

    def scan(self, name, inputs):
        """§3.2: one direction. A pixel follows the one above it and the one to its left. Above the image the state is zero, to the
        left of it the initial one. The first row of the answer is the one above the image."""
        n, features, height, width = inputs.shape
        above, beside = np.moveaxis(self.weights[f"{name}.state_to_state"][..., 0], 2, 0)
        initial = [self.weights[f"{name}.initial_{of}"] for of in "hc"]
        states = np.zeros((n, features // 4, height + 1, width))
        for y in range(height):
            h, c = [np.tile(state, (n, 1)) for state in initial]
            for x in range(width):
                pre = inputs[:, :, y, x] + states[:, :, y, x] @ above.T + h @ beside.T
                h, c = lstm_step(pre, c)
                states[:, :, y + 1, x] = h
        return states

    def diagonal_bilstm(self, name, x):
        """§3.2: the right direction is the left one in a mirror, and is added one row further down."""
        left, right = [self.conv(f"{name}.lstm.{side}.input_to_state", x, gates=4) for side in ("left", "right")]
        left = self.scan(f"{name}.lstm.left", left)
        right = self.scan(f"{name}.lstm.right", right[..., ::-1])[..., ::-1]
        return left[:, :, 1:] + right[:, :, :-1]

    def logits(self, levels):
        """Table 1, §3.3: [image, channel, level, y, x]."""
        layer = getattr(self, self.config["network"])  # one of the three above
        x = self.conv("first", 2 * levels.astype(float) / (self.config["levels"] - 1) - 1, "A")
        skips = 0
        for k in range(self.config["layers"]):
            features = layer(f"blocks.{k}", x)
            x = x + self.conv(f"blocks.{k}.expand", features)
            if self.config["skip"]:
                skips = skips + self.conv(f"blocks.{k}.skip", features)
        x = self.conv("head.output", relu(self.conv("head.hidden", relu(x + skips))))
        n, _, height, width = x.shape
        x = x.reshape(n, self.config["channels"], -1, height, width)
        # Of two levels there is one logit, the log-odds of level 1: that of level 0 is 0.
        return np.concatenate([0 * x, x], axis=2) if self.config["levels"] == 2 else x

    def nll_nats(self, levels):
        """-ln p of every value, [image, channel, y, x]."""
        logits = self.logits(levels)
        drawn = np.take_along_axis(logits, levels[:, :, None].astype(int), axis=2)[:, :, 0]
        return np.logaddexp.reduce(logits, axis=2) - drawn


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: likelihood.py FILE.safetensors IMAGES.npy")
    network, images = Network(sys.argv[1]), np.load(sys.argv[2])
    shape = [network.config[side] for side in ("channels", "height", "width")]
    if images.dtype != np.uint8 or list(images.shape[1:]) != shape or len(images) == 0:
        sys.exit(f"{sys.argv[2]}: {images.dtype} {list(images.shape)} found, uint8 [N, {', '.join(map(str, shape))}] expected")
    if images.max() >= network.config["levels"]:
        sys.exit(f"{sys.argv[2]}: level {images.max()} found, levels below {network.config['levels']} expected")
    batches = np.split(images, range(16, len(images), 16))
    nats = sum(network.nll_nats(batch).sum() for batch in batches) / len(images)
    bits = nats / np.log(2) / np.prod(shape)
    print(f"{len(images)} images, {nats:.4f} nats an image, {bits:.5f} bits a dimension")


if __name__ == "__main__":
    main()
