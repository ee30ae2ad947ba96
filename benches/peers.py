#!/usr/bin/env python3
"""The ladder's peers outside the browser: PyTorch and onnxruntime draw the same networks in the usual loop, a full forward pass a
value. `scripts/peers.sh` installs what it needs; `make bench` runs it; alone:

    .tools/peers/python/bin/python benches/peers.py pytorch|onnxruntime [--json] [--budget-ms 1500] [--batches 1,16] [--networks ID,ID]

Some values are timed and scaled up to an image. With --json it prints the lines described in src/cli/bench/mod.rs.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

from peers_onnx import NETWORKS, build, logits_of, mask

RUNS = 3


def draw_level(logits, random):
    """Levels of one value of every image, from logits [batch, logits]: the inverse of the cumulative distribution."""
    u = random.random(len(logits))
    if logits.shape[1] == 1:
        return (u >= 1 / (1 + np.exp(logits[:, 0]))).astype(np.float32)
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    steps = np.cumsum(probabilities / probabilities.sum(axis=1, keepdims=True), axis=1)
    return np.minimum((u[:, None] >= steps).sum(axis=1), logits.shape[1] - 1).astype(np.float32)


def measure(forward, config, batch, budget_ms):
    """`forward` takes an array [batch, channels, height, width] and gives logits [batch, channels * logits, height, width]."""
    channels, height, width, outputs = config["channels"], config["height"], config["width"], logits_of(config)
    values, highest = channels * height * width, config["levels"] - 1
    random = np.random.default_rng(1)

    def run(limit_ms):
        image = np.full((batch, channels, height, width), -1, np.float32)
        start = time.perf_counter()
        for value in range(values):
            pixel, channel = divmod(value, channels)
            y, x = divmod(pixel, width)
            logits = forward(image)[:, channel * outputs : (channel + 1) * outputs, y, x]
            image[:, channel, y, x] = draw_level(logits, random) * 2 / highest - 1
            elapsed_ms = (time.perf_counter() - start) * 1e3
            if elapsed_ms >= limit_ms:
                break
        share = (value + 1) / values
        return elapsed_ms / share, share

    run(0)
    runs = [run(budget_ms / RUNS) for _ in range(RUNS)]
    return {
        "share": min(share for _, share in runs),
        "ms_per_image": [ms / batch for ms, _ in runs],
        "first_row_ms": [ms / height for ms, _ in runs],
        "cold_ms_per_image": None,
        "cold_first_row_ms": None,
    }


def pytorch(config):
    """The network in PyTorch, eager; the recurrent ones are those of benches/training.py."""
    import torch
    from torch import nn

    def conv(in_features, out_features, side=1, kind="B"):
        layer = nn.Conv2d(in_features, out_features, side, padding=side // 2)
        with torch.no_grad():  # once, where most write it into every forward pass
            layer.weight *= torch.from_numpy(mask(kind, config["channels"], layer.weight.shape))
        return layer

    class Block(nn.Module):
        def __init__(self, h, skip):
            super().__init__()
            self.reduce, self.conv, self.expand = conv(2 * h, h), conv(h, h, 3), conv(h, 2 * h)
            self.skip = conv(h, 2 * h) if skip else None

        def forward(self, x):
            y = torch.relu(self.conv(torch.relu(self.reduce(torch.relu(x)))))
            return x + self.expand(y), self.skip(y) if self.skip else 0

    class PixelCnn(nn.Module):
        def __init__(self, channels, h, layers, head, skip):
            super().__init__()
            self.first = conv(channels, 2 * h, 7, "A")
            self.blocks = nn.ModuleList([Block(h, skip) for _ in range(layers)])
            self.hidden, self.output = conv(2 * h, head), conv(head, channels * logits_of(config))

        def forward(self, x):
            x, skips = self.first(x), 0
            for block in self.blocks:
                x, skip = block(x)
                skips = skips + skip
            return self.output(torch.relu(self.hidden(torch.relu(x + skips))))

    if config["network"] == "pixelcnn":
        net = PixelCnn(config["channels"], config["h"], config["layers"], config["head"], config.get("skip", False))
    else:
        from training import Net

        net = Net(config["network"], config["layers"], config["h"], config["head"])
    net.eval()

    def forward(image):
        with torch.inference_mode():
            return net(torch.from_numpy(image)).numpy()

    return forward


def choose_threads(forward, config, batch):
    """One thread or all, whichever is quicker: the layers are so small that often it is one."""
    import torch

    image = np.full((batch, config["channels"], config["height"], config["width"]), -1, np.float32)
    forward(image)
    seconds = {}
    for threads in (1, os.cpu_count()):
        torch.set_num_threads(threads)
        start = time.perf_counter()
        forward(image)
        seconds[threads] = time.perf_counter() - start
    torch.set_num_threads(min(seconds, key=seconds.get))


def onnxruntime(config):
    import onnx
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "network.onnx")
        onnx.save(build(config), path)
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})[0]


def version(way):
    if way == "pytorch":
        import torch

        return torch.__version__
    import onnxruntime as ort

    return ort.__version__


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["pytorch", "onnxruntime"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--budget-ms", type=float, default=1500)
    parser.add_argument("--batches", default="1,16")
    parser.add_argument("--networks", default=",".join(network["id"] for network in NETWORKS))
    args = parser.parse_args()

    def show(line):
        if args.json:
            print(json.dumps(line), flush=True)
        elif line["line"] == "cell":
            ms = statistics.median(line["ms_per_image"])
            print(f"{line['network']:<16}{line['way']:<14}{line['batch']:>4}{ms:>14.1f} ms an image, from {line['share']:.1%} of it", flush=True)
        else:
            print(line, flush=True)

    show({"line": "about", "key": args.way, "value": version(args.way)})
    make = {"pytorch": pytorch, "onnxruntime": onnxruntime}[args.way]
    for network in NETWORKS:
        if args.way not in network["peers"] or network["id"] not in args.networks.split(","):
            continue
        forward = make(network["config"])
        for batch in map(int, args.batches.split(",")):
            cell = {"host": "native", "way": args.way, "network": network["id"], "batch": batch}
            try:
                if args.way == "pytorch":
                    choose_threads(forward, network["config"], batch)
                show({"line": "cell", **cell, **measure(forward, network["config"], batch, args.budget_ms)})
            except Exception as error:  # the other cells go on
                show({"line": "missing", **cell, "why": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    sys.exit(main())
