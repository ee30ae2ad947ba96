#!/usr/bin/env python3
"""Draws Chinese and Japanese characters as 28 x 28 pictures of two levels.

The characters are those of GB 2312, in the Chinese (SC) face of Noto Sans CJK and Noto Serif CJK, and the kanji of
JIS X 0208 that GB 2312 lacks, in the Japanese (JP) face, each in six styles. A sha256 of its code point puts a
character with all its styles into train, valid or test. Nothing is random: the same fonts, Pillow and FreeType give
the same bytes.

    python3 training/characters/make.py --out DIR
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
from PIL import ImageFont, features

SIDE = 28
SIZES = (25, 26)
THRESHOLD = 110  # ink where the coverage of the pixel is greater, of 255
MOST = {"valid": 5000, "test": 5000}
STYLES = ("Sans-Light", "Sans-DemiLight", "Sans-Regular", "Serif-Regular", "Serif-Medium", "Serif-SemiBold")
FACES = {"JP": 0, "SC": 2}  # the index of the face in each collection


def digest(text):
    """The first 64 bits of the sha256 of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def name(character):
    return f"U+{ord(character):04X}"


def split(character):
    """train, valid or test, 8:1:1, by the code point alone."""
    return (["train"] * 8 + ["valid", "test"])[digest(name(character)) % 10]


def rows(codec, first, last):
    """The characters of some rows of a double-byte character set."""
    pairs = (bytes((high, low)) for high in range(first, last + 1) for low in range(0xA1, 0xFF))
    return "".join(pair.decode(codec, errors="ignore") for pair in pairs)  # the tables have holes


def characters():
    """Character -> the face that draws it."""
    faces = {character: "SC" for character in rows("gb2312", 0xB0, 0xF7)}
    for character in rows("euc_jp", 0xB0, 0xF4):
        faces.setdefault(character, "JP")
    return faces


def coverage(font, character):
    """uint8 [height, width]."""
    mask = font.getmask(character, mode="L")
    return np.array(mask, dtype=np.uint8).reshape(mask.size[::-1])


def picture(ink):
    """The ink centred by its box in a square of SIDE; None if it does not fit."""
    down, across = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    height, width = ink.shape
    if max(height, width) > SIDE:
        return None
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    return np.pad(ink, ((top, SIDE - height - top), (left, SIDE - width - left)))


def version(data, face):
    """The revision in the head table of one face of a font collection."""
    number = lambda at, size=4: int.from_bytes(data[at : at + size], "big")
    start = number(12 + 4 * face)
    records = [start + 12 + 16 * i for i in range(number(start + 4, 2))]
    head = next(number(at + 8) for at in records if data[at : at + 4] == b"head")
    return f"{number(head + 4) / 65536:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where train.npy, valid.npy, test.npy go")
    parser.add_argument("--fonts", type=Path, default="/usr/share/fonts/opentype/noto", help="the folder of the fonts")
    options = parser.parse_args()

    faces = characters()
    images = {"train": [], "valid": [], "test": []}
    missing, too_large, fonts = 0, 0, []
    for style in STYLES:
        file = options.fonts / f"Noto{style.replace('-', 'CJK-')}.ttc"
        data = file.read_bytes()
        fonts.append({"file": file.name, "version": version(data, 0), "sha256": hashlib.sha256(data).hexdigest()})
        for face, index in FACES.items():
            sized = [ImageFont.truetype(file, size, index, layout_engine=ImageFont.Layout.BASIC) for size in SIZES]
            blanks = [coverage(font, "\uffff") for font in sized]  # what the font draws for want of a glyph
            for character in (c for c in faces if faces[c] == face):
                key = f"{name(character)} {style}"
                which = digest(f"size {key}") % len(SIZES)
                drawn = coverage(sized[which], character)
                if np.array_equal(drawn, blanks[which]):
                    missing += 1
                    continue
                square = picture(drawn > THRESHOLD)
                if square is None:
                    too_large += 1
                    continue
                images[split(character)].append((digest(f"order {key}"), character, square))

    options.out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for part, entries in images.items():
        entries.sort(key=lambda entry: entry[0])
        kept = entries[: MOST.get(part)]
        packed = np.packbits(np.stack([square.ravel() for _, _, square in kept]), axis=1)
        np.save(options.out / f"{part}.npy", packed)
        counts[part] = {"images": len(kept), "drawn": len(entries), "characters": len({c for _, c, _ in kept})}
    about = {
        "source": "Noto Sans CJK and Noto Serif CJK, Debian fonts-noto-cjk and fonts-noto-cjk-extra",
        "licence": "OFL-1.1",
        "fonts": fonts,
        "drawn_with": {"pillow": PIL.__version__, "freetype": features.version("freetype2")},
        "format": "uint8 [N, 98], 784 bits row by row, the first pixel in the highest bit, 1 is ink",
        "characters": {face: list(faces.values()).count(face) for face in ("SC", "JP")},
        "left_out": {"missing_glyph": missing, "too_large": too_large},
        "splits": counts,
    }
    text = json.dumps(about, indent=2) + "\n"
    (options.out / "characters.json").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
