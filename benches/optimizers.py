#!/usr/bin/env python3
"""What a small network has learned after so many steps, by optimiser and learning rate: −ln p of pictures held out, nats a picture.

    pip install numpy
    python3 benches/optimizers.py --data DIR [--passes 6] [--pixelrnn PROGRAM]

Each of the three networks, h = 16, trains on 1,600 of the first 2,000 pictures of MNIST in 8 levels of grey and of CIFAR-10 in 16
levels a colour, 100 steps a pass, in a configuration that is otherwise as `pixelrnn new` writes it. DIR has the files of both sets
as they are published, cifar10/data_batch_1.bin packed with xz or not.
"""

import argparse
import gzip
import json
import lzma
import subprocess
import tempfile
from pathlib import Path

import numpy as np

OPTIMIZERS = [("adam", 0.003), ("adam", 0.01), ("muon", 0.01), ("muon", 0.02)]
NETWORKS = {"pixelcnn": ("PixelCNN", 4), "row_lstm": ("Row LSTM", 3), "diagonal_bilstm": ("Diagonal BiLSTM", 3)}
PICTURES = 2000


def grey(data):
    """Pictures of MNIST, uint8 [N, 1, 28, 28]."""
    content = gzip.decompress(Path(data, "mnist", "train-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:PICTURES]


def colour(data):
    """Pictures of CIFAR-10, uint8 [N, 3, 32, 32]."""
    plain = Path(data, "cifar10", "data_batch_1.bin")
    content = plain.read_bytes() if plain.exists() else lzma.decompress(plain.with_suffix(".bin.xz").read_bytes())
    # A label before each.
    return np.frombuffer(content, np.uint8).reshape(-1, 1 + 3072)[:PICTURES, 1:].reshape(-1, 3, 32, 32)


def configuration(set_name, shape, levels, network, layers, optimizer, rate, passes):
    """Of a training run on pictures of a shape [channels, height, width], as `pixelrnn train` reads it."""
    channels, height, width = shape
    model = {"network": network, "channels": channels, "levels": levels, "height": height, "width": width}
    return {
        "name": set_name,
        "dataset": {"name": set_name, "train": "pictures.npy", "valid": 0.1, "test": 0.1},
        "augment": {"flip": channels == 3, "shift": 0},
        "model": model | {"layers": layers, "h": 16, "head": 32, "skip": True},
        "batch": 16,
        "epochs": passes,
        "optimizer": optimizer,
        "learning_rate": rate,
        "final_learning_rate": 3e-5,
        "warmup_steps": 100,
        "gradient_clip": 1.0,
        "average": 0.999,
        "seed": 1,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--passes", type=int, default=6)
    parser.add_argument("--pixelrnn", default="target/release/pixelrnn")
    options = parser.parse_args()

    titles = [f"`{optimizer}`, {rate}" for optimizer, rate in OPTIMIZERS]
    print("| pictures | network | " + " | ".join(titles) + " |\n|---|---|" + "---|" * len(titles))
    for set_name, levels, pictures in [("MNIST", 8, grey(options.data)), ("CIFAR-10", 16, colour(options.data))]:
        for network, (title, layers) in NETWORKS.items():
            cells = []
            for optimizer, rate in OPTIMIZERS:
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    np.save(folder / "pictures.npy", pictures)
                    config = configuration(set_name, pictures.shape[1:], levels, network, layers, optimizer, rate, options.passes)
                    (folder / "config.json").write_text(json.dumps(config))
                    run = ["train", "--device", "cpu", "--config", folder / "config.json", "--out", folder / "run"]
                    subprocess.run([options.pixelrnn, *run], check=True, stdout=subprocess.DEVNULL)
                    last = (folder / "run" / "metrics.jsonl").read_text().splitlines()[-1]
                    cells.append(f"{json.loads(last)['valid_nats']:,.0f}")
            print(f"| {set_name} | {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
