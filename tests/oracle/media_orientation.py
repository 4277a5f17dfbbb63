#!/usr/bin/env python3
"""Stores small JPEGs of each EXIF orientation, and what Pillow's `exif_transpose` shows of them, for src/tensor/image/.

    python tests/oracle/media_orientation.py
"""

import io
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parents[1] / "data/oracle/media_orientation.json"


def main():
    # 8 wide and 16 high, another grey in each quarter: blocks of a JPEG, so that hardly anything is lost.
    y, x = np.mgrid[0:16, 0:8]
    pixels = (20 + 60 * (x >= 4) + 100 * (y >= 8) + 3 * y + 2 * x).astype(np.uint8)
    cases = []
    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x010F] = "a camera"
        exif[0x0112] = value
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=98, exif=exif.tobytes())
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
        cases.append({
            "orientation": value,
            "jpeg": buffer.getvalue().hex(),
            "width": shown.width,
            "height": shown.height,
            "pixels": [round(float(v), 4) for v in np.asarray(shown, dtype=float).ravel() / 255],
        })
    OUT.write_text(json.dumps({"orientations": cases}, separators=(",", ":")) + "\n")
    print(OUT, OUT.stat().st_size)


main()
