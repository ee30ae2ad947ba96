"""Widens a PixelCNN's weights file to more features, so that the wider network computes what the narrower one does.

    python3 widen.py NARROW.safetensors WIDE.safetensors H HEAD [SEED]

New features are made as a fresh network's are, U(-k, k) with k^2 = 1 / (inputs a mask lets through), from old and new ones
alike; what they add to old features is zero. Training goes on from there: `pixelrnn train --from WIDE.safetensors`.
"""

import array
import hashlib
import json
import math
import pathlib
import random
import struct
import sys


def read(path):
    """The metadata of a file of 32-bit tensors, and name -> (shape, values)."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            sys.exit(f"{path}: {name} is {entry['dtype']}, not F32; take a file that was published without --half")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["shape"], array.array("f", content[begin:end]))
    return metadata, tensors


def write(path, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, (shape, values) in sorted(tensors.items()):
        content = values.tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def open_taps(name, shape):
    """Which taps of a kernel the mask lets through, in reading order: all above and to the left, under mask B the centre too."""
    height, width = shape[2:]
    return [place < height * width // 2 + (name != "first.weight") for place in range(height * width)]


def widened(name, narrow, features_out, features_in, draw):
    """The weight `[features_out, features_in, height, width]` that holds `narrow` in its first rows and columns."""
    shape, old = narrow
    wide_shape = [features_out, features_in, *shape[2:]]
    taps = open_taps(name, shape)
    bound = 1 / math.sqrt(features_in * sum(taps))
    values = array.array("f")
    for out in range(features_out):
        for into in range(features_in):
            for tap, is_open in enumerate(taps):
                if out < shape[0]:
                    is_old = into < shape[1]
                    values.append(old[(out * shape[1] + into) * len(taps) + tap] if is_old else 0)
                else:
                    values.append(draw.uniform(-bound, bound) if is_open else 0)
    return (wide_shape, values), bound


def main(narrow_path, wide_path, h, head, seed):
    metadata, tensors = read(narrow_path)
    config, training = (json.loads(metadata[key]) for key in ("config", "training"))
    if config["network"] != "pixelcnn" or config["levels"] != 2:
        sys.exit(f"{narrow_path} holds a {config['network']} of {config['levels']} levels; only PixelCNNs of two can be widened")
    if h < config["h"] or head < config["head"]:
        sys.exit(f"{narrow_path} has h = {config['h']} and head = {config['head']}; both can only grow")
    draw = random.Random(seed)
    width_of = {"first": (2 * h, 1), "reduce": (h, 2 * h), "conv": (h, h), "expand": (2 * h, h), "skip": (2 * h, h)}
    width_of |= {"hidden": (head, 2 * h), "output": (1, head)}
    wide = {}
    for name in sorted(name for name in tensors if name.endswith(".weight")):
        layer = name.removesuffix(".weight")
        features = width_of[layer.split(".")[-1]]
        wide[name], bound = widened(name, tensors[name], *features, draw)
        (old_features,), bias = tensors[layer + ".bias"]
        new = [draw.uniform(-bound, bound) for _ in range(features[0] - old_features)]
        wide[layer + ".bias"] = ([features[0]], bias + array.array("f", new))
    # A run that goes on from here names the file it began with and how that one was made; so does this one.
    digest = hashlib.sha256(narrow_path.read_bytes()).hexdigest()
    begun = {"file": narrow_path.name, "sha256": digest, "training": training}
    made = {"program": "training/mnist-pixelcnn/widen.py", "h": h, "head": head, "seed": seed, "from": begun}
    config = json.dumps(config | {"h": h, "head": head}, separators=(",", ":"), sort_keys=True)
    write(wide_path, {"config": config, "training": json.dumps(made, separators=(",", ":"))}, wide)


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    narrow, wide, h, head, *seed = sys.argv[1:]
    main(pathlib.Path(narrow), pathlib.Path(wide), int(h), int(head), int(seed[0]) if seed else 1)
