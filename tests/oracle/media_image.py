"""Images as Pillow decodes them and PyTorch resizes them.

usage: media_image.py > tests/data/oracle/media_image.json   (needs numpy, pillow and torch)
"""

import io
import json

import numpy as np
import PIL
import torch
from PIL import Image

draw = np.random.default_rng(5)


def smooth(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / (3 + c) + c) * np.cos(y / (4 + c)) for c in range(channels)]
    return np.clip(np.stack(planes, -1) + draw.normal(0, 4, (height, width, channels)), 0, 255).astype(np.uint8)


def encoded(pixels, mode, form, **options):
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    assert image.mode == mode, image.mode
    image.save(buffer, form, **options)
    return buffer.getvalue()


def flat(array, digits=6):
    return [round(float(v), digits) for v in np.asarray(array).ravel()]


def area(pixels, length, axis):
    """Means over equal parts of an axis, by the integral of a step function."""
    total = np.concatenate([np.zeros_like(pixels.take([0], axis)), np.cumsum(pixels, axis)], axis)
    n = pixels.shape[axis]
    edges = np.linspace(0, n, length + 1)
    low = np.minimum(edges.astype(int), n - 1)
    share = (edges - low).reshape([-1 if a == axis else 1 for a in range(pixels.ndim)])
    at = total.take(low, axis) * (1 - share) + total.take(low + 1, axis) * share
    return np.diff(at, axis=axis) * length / n


cases = []
# Resizing: smaller, larger, mixed; grey and colour.
for height, width, channels, to in [(17, 23, 1, (6, 9)), (5, 4, 3, (9, 11)), (20, 6, 3, (7, 6))]:
    pixels = smooth(height, width, channels)
    unit = torch.from_numpy(pixels.astype(np.float64) / 255).permute(2, 0, 1)[None]
    bilinear = torch.nn.functional.interpolate(unit, to, mode="bilinear", antialias=True, align_corners=False)
    by_area = area(area(pixels.astype(np.float64) / 255, to[0], 0), to[1], 1)
    cases.append({
        "png": encoded(pixels, "L" if channels == 1 else "RGB", "PNG").hex(),
        "height": to[0], "width": to[1], "channels": channels,
        "bilinear": flat(bilinear[0].permute(1, 2, 0)),
        "area": flat(by_area),
    })

decoded = []
rgba = np.concatenate([smooth(4, 5, 3), draw.integers(0, 256, (4, 5, 1)).astype(np.uint8)], -1)
for name, pixels, mode, form, options in [
    ("grey png", smooth(4, 5, 1), "L", "PNG", {}),
    ("colour png", smooth(4, 5, 3), "RGB", "PNG", {}),
    ("png with opacity", rgba, "RGBA", "PNG", {}),
    ("grey jpeg", smooth(16, 16, 1), "L", "JPEG", {"quality": 95}),
    ("colour jpeg", smooth(16, 16, 3), "RGB", "JPEG", {"quality": 95, "subsampling": 0}),
    ("progressive jpeg", smooth(16, 16, 3), "RGB", "JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
]:
    data = encoded(pixels, mode, form, **options)
    image = Image.open(io.BytesIO(data))
    opaque = Image.new("RGBA", image.size, (255, 255, 255, 255))
    opaque.alpha_composite(image.convert("RGBA"))
    decoded.append({
        "name": name, "bytes": data.hex(), "height": pixels.shape[0], "width": pixels.shape[1],
        "grey": flat(np.asarray(opaque.convert("L")) / 255, 4),
        "colour": flat(np.asarray(opaque.convert("RGB")) / 255, 4),
        "opacity": flat(np.asarray(image.convert("RGBA")) / 255, 4),
    })
deep = (np.arange(12).reshape(3, 4) * 5461).astype(np.uint16)
buffer = io.BytesIO()
Image.fromarray(deep).save(buffer, "PNG")
sixteen = {"bytes": buffer.getvalue().hex(), "unit": flat(deep / 65535)}

print(json.dumps({"made_by": f"Pillow {PIL.__version__}, PyTorch {torch.__version__}", "resize": cases, "decode": decoded, "sixteen": [sixteen]}))
