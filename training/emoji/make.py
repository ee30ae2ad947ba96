#!/usr/bin/env python3
"""Draws emoji as 24 x 24 pictures in colour, on white.

The emoji are those of Unicode's emoji-test.txt without the flags, as Noto Color Emoji draws them. A sha256 decides
which go into train, valid and test, and an emoji is always with its variants: every skin tone, and the man, the woman
and the person who do the same. Nothing is random: the same font, list, Pillow and FreeType give the same bytes.

    python3 training/emoji/make.py --out DIR
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageFont, features

SIDE = 24
LEFT_OUT = {"Flags", "Component"}  # groups of emoji-test.txt
TONES = range(0x1F3FB, 0x1F400)
UNSEEN = {0x200D, 0xFE0F, 0x2640, 0x2642}  # joiner, variation selector, female and male sign
SAME = {0x1F468: 0x1F9D1, 0x1F469: 0x1F9D1, 0x1F466: 0x1F9D2, 0x1F467: 0x1F9D2}  # man, woman: adult; boy, girl: child
BITMAPS = 109  # the one size of the font's bitmaps, 136 x 128; the outer 4 columns on each side are empty
DRAWN = 128


def digest(text):
    """The first 64 bits of the sha256 of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def name(codes):
    return " ".join(f"{code:04X}" for code in codes)


def base(codes):
    """What an emoji has in common with its variants."""
    return [SAME.get(code, code) for code in codes if code not in TONES and code not in UNSEEN]


def split(codes):
    """train, valid or test, 8:1:1, by the base alone."""
    return (["train"] * 8 + ["valid", "test"])[digest(name(base(codes))) % 10]


def sequences(path):
    """(group, code points) of every fully-qualified emoji in emoji-test.txt."""
    group = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# group: "):
            group = line.removeprefix("# group: ").strip()
        elif "; fully-qualified" in line and not line.startswith("#"):
            yield group, [int(code, 16) for code in line.split(";")[0].split()]


def picture(font, text):
    """uint8 [SIDE, SIDE, 3], each pixel the mean of the area it covers."""
    image = Image.new("RGB", (DRAWN, DRAWN), "white")
    ImageDraw.Draw(image).text((-4, 0), text, font=font, embedded_color=True)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def version(data):
    """The revision in the head table of a font."""
    number = lambda at, size=4: int.from_bytes(data[at : at + size], "big")
    records = [12 + 16 * i for i in range(number(4, 2))]
    head = next(number(at + 8) for at in records if data[at : at + 4] == b"head")
    return f"{number(head + 4) / 65536:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where train.npy, valid.npy, test.npy go")
    parser.add_argument("--font", type=Path, default="/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
    parser.add_argument("--list", type=Path, default="/usr/share/unicode/emoji/emoji-test.txt")
    options = parser.parse_args()
    if not (features.check("raqm") and features.check("fribidi")):
        sys.exit("Pillow lacks Raqm or FriBiDi, without which it draws a sequence as several emoji")

    font = ImageFont.truetype(options.font, BITMAPS, layout_engine=ImageFont.Layout.RAQM)
    one = font.getlength("\U0001f600")
    images = {"train": [], "valid": [], "test": []}
    seen, groups, left_out = set(), Counter(), Counter()
    for group, codes in sequences(options.list):
        text = "".join(map(chr, codes))
        square = picture(font, text)
        if group in LEFT_OUT:
            left_out[group] += 1
        elif len({code for code in codes if code in TONES}) > 1:
            left_out["two skin tones"] += 1
        elif font.getlength(text) != one or square.min() == 255:
            left_out["not one picture in the font"] += 1
        elif square.tobytes() in seen:
            left_out["same picture as an earlier one"] += 1
        else:
            seen.add(square.tobytes())
            groups[group] += 1
            images[split(codes)].append((digest(f"order {name(codes)}"), codes, square))

    options.out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for part, entries in images.items():
        entries.sort(key=lambda entry: entry[0])
        np.save(options.out / f"{part}.npy", np.stack([square for _, _, square in entries]))
        counts[part] = {"images": len(entries), "bases": len({name(base(codes)) for _, codes, _ in entries})}
    data = options.font.read_bytes()
    about = {
        "source": "Noto Color Emoji, Debian fonts-noto-color-emoji; emoji-test.txt, Debian unicode-data",
        "licence": "OFL-1.1",
        "font": {"file": options.font.name, "version": version(data), "sha256": hashlib.sha256(data).hexdigest()},
        "list": {"file": options.list.name, "sha256": hashlib.sha256(options.list.read_bytes()).hexdigest()},
        "drawn_with": {"pillow": PIL.__version__, "freetype": features.version("freetype2")},
        "format": "uint8 [N, 24, 24, 3], red, green, blue, 0 to 255",
        "groups": groups,
        "left_out": left_out,
        "splits": counts,
    }
    text = json.dumps(about, indent=2) + "\n"
    (options.out / "emoji.json").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
