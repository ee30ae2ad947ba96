#!/usr/bin/env python3
"""How many drawn colour pictures run away, with and without the knobs, and how likely the pictures are.

    pip install numpy
    python3 benches/runaways.py --data DIR [--count 1000] [--tests 3000] [--seed 19] [--model FILE] [--pixelrnn PROGRAM]

A picture has run away that takes more bits a dimension than the 99.9th percentile of the test images. All bits are those of the
network itself, as `pixelrnn score` says, whatever was done to its distributions for drawing. DIR has cifar10/test_batch.bin.xz, or
the same file unpacked.
"""

import argparse
import lzma
import subprocess
import tempfile
from pathlib import Path

import numpy as np

DRAWN = [
    ("the network's own distributions", []),
    ("`--top-k 100`", ["--top-k", "100"]),
    ("`--temperature 0.95`", ["--temperature", "0.95"]),
    ("`--top-p 0.98`", ["--top-p", "0.98"]),
    ("`--temperature 0.95 --top-p 0.99`", ["--temperature", "0.95", "--top-p", "0.99"]),
]
SHAPE = (3, 32, 32)


def test_images(data, count):
    """The first test images of CIFAR-10, uint8 [count, 3, 32, 32]."""
    plain = Path(data, "cifar10", "test_batch.bin")
    packed = plain.with_suffix(".bin.xz")
    content = plain.read_bytes() if plain.exists() else lzma.decompress(packed.read_bytes())
    # A label before each.
    return np.frombuffer(content, np.uint8).reshape(-1, 1 + 3072)[:count, 1:].reshape(-1, *SHAPE)


def bits_per_dim(program, model, images, folder):
    """Of each image, as the network has it."""
    nats = folder / "nats.npy"
    subprocess.run([program, "score", "--model", model, "--images", str(images), "--out", str(nats)], check=True, stdout=subprocess.DEVNULL)
    values = np.load(nats)
    return values.reshape(len(values), -1).mean(axis=1) / np.log(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--tests", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--model", default="www/models/cifar10-pixelcnn.safetensors")
    parser.add_argument("--pixelrnn", default="target/release/pixelrnn")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "test.npy", test_images(options.data, options.tests))
        tests = bits_per_dim(options.pixelrnn, options.model, folder / "test.npy", folder)
        limit = np.percentile(tests, 99.9)
        print(f"limit: {limit:.2f} bits a dimension, the 99.9th percentile of {len(tests)} test images\n")
        print(f"| | run away, of {options.count} | bits a dimension, mean | most |\n|---|---|---|---|")
        print(f"| test images | | {tests.mean():.2f} | {tests.max():.2f} |", flush=True)
        for title, knobs in DRAWN:
            drawn = folder / "drawn.npy"
            asked = ["--seed", str(options.seed), "--count", str(options.count), "--out", str(drawn)]
            subprocess.run([options.pixelrnn, "sample", "--model", options.model, *asked, *knobs], check=True, stdout=subprocess.DEVNULL)
            bits = bits_per_dim(options.pixelrnn, options.model, drawn, folder)
            drawn.unlink()
            print(f"| {title} | {(bits > limit).sum()} | {bits.mean():.2f} | {bits.max():.2f} |", flush=True)


if __name__ == "__main__":
    main()
