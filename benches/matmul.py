"""usage: matmul.py FOLDER [--rounds N]

The matrix products of training beside NumPy's (OpenBLAS) and beside the peak of a core, on one thread: for the dense network of
nn.py by shards of 64 rows, for its small CNN by one and two images of laid-out windows, and for large square matrices. Each number
is the best of several runs in units of 1e9 multiplications and additions by the second; programs run in turn.

It compiles matmul/ (src/nn/matmul.rs by itself) and peers/peak.c (fused multiplications and additions in registers) into FOLDER.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import pathlib
import subprocess
import time

import numpy as np

import comparison

SHAPES = [
    ("dense 27 to 128, 64 rows", 64, 27, 128),
    ("dense 128 to 64, 64 rows", 64, 128, 64),
    ("dense 128 to 64, 256 rows", 256, 128, 64),
    ("3 by 3 windows of 32 channels, 1 image", 121, 288, 64),
    ("3 by 3 windows of 32 channels, 2 images", 242, 288, 64),
    ("square", 512, 512, 512),
]
WORK = 200_000_000


def rate(a, b):
    m, k, n = *a.shape, b.shape[1]
    out, repeats, best = np.empty((m, n), np.float32), max(1, WORK // (m * k * n)), float("inf")
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(repeats):
            np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - began)
    return 2 * m * k * n * repeats / best / 1e9


def numpy_rates(m, k, n):
    x, w, d = (np.full(shape, 0.5, np.float32) for shape in ((m, k), (n, k), (m, n)))
    return {"forward": rate(x, w.T), "weights": rate(d.T, x), "inputs": rate(d, w)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    manifest = comparison.FOLDER / "matmul" / "Cargo.toml"
    subprocess.run(["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", folder / "target"], check=True)
    subprocess.run(["cc", "-O3", "-march=native", "-o", folder / "peak", comparison.FOLDER / "peers" / "peak.c"], check=True)
    peak, ours, theirs = 0.0, {}, {}
    keep = lambda best, name, found: best.update({name: {way: max(found[way], best.get(name, {}).get(way, 0)) for way in ("forward", "weights", "inputs")}})
    for _ in range(given.rounds):
        peak = max(peak, float(subprocess.run([folder / "peak"], check=True, capture_output=True, text=True).stdout))
        shapes = [f"{m},{k},{n}" for _, m, k, n in SHAPES]
        lines = subprocess.run([folder / "target" / "release" / "matmul", *shapes], check=True, capture_output=True, text=True).stdout.splitlines()
        for (name, m, k, n), line in zip(SHAPES, lines, strict=True):
            keep(ours, name, json.loads(line))
            keep(theirs, name, numpy_rates(m, k, n))
    lines = [
        f"| matrix products, 1e9 operations by the second on one thread; the peak of a core is {peak:.0f} | forward | NumPy | for the weights | NumPy | for the inputs | NumPy | best share of the peak |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, *_ in SHAPES:
        cells = [f"{best[name][way]:.0f}" for way in ("forward", "weights", "inputs") for best in (ours, theirs)]
        lines.append("| " + " | ".join([name, *cells, f"{max(ours[name].values()) / peak:.0%}"]) + " |")
    text = "\n".join(lines)
    print(text)
    (comparison.FOLDER / "results").mkdir(exist_ok=True)
    result = {"name": "matmul", "title": "matrix products", "peak": peak, "ours": ours, "numpy": theirs, "table": text}
    (comparison.FOLDER / "results" / "matmul.json").write_text(json.dumps(result, indent=1) + "\n")
    comparison.rewrite("matmul", text)


if __name__ == "__main__":
    main()
