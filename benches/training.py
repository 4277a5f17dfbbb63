#!/usr/bin/env python3
"""Training from memory and from a file of encoded rows: the same rows under a limit of memory that holds them and under one that does not.

usage: training.py [--rows 20000000] [--columns 40] [--memory 2GiB] [--epochs 3] [--gristmill PROGRAM] [--folder FOLDER]

It writes a Parquet file of made numbers (4 bytes each), runs one pipeline twice, and prints for each run the rows learned by the second
(from the record of the run), the peak of resident memory, and the share of the rate that the file reaches. Run it with a Python that has
numpy and pyarrow.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comparison import GRISTMILL, THREADS, Program, compare

GROUP = 500_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--plenty", default="16GiB")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--gristmill", default=GRISTMILL)
    parser.add_argument("--folder", type=pathlib.Path, default=None)
    return parser.parse_args()


def make(path, rows, columns):
    """Numbers of which the first three decide the answer."""
    random = np.random.default_rng(7)
    names = [f"x{i}" for i in range(columns)]
    schema = pa.schema([(name, pa.float32()) for name in names] + [("yes", pa.bool_())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP):
            count = min(GROUP, rows - start)
            x = random.standard_normal((count, columns), dtype=np.float32)
            yes = x[:, 0] * x[:, 1] + x[:, 2] > 0
            writer.write_table(pa.table([*(pa.array(x[:, i]) for i in range(columns)), pa.array(yes)], schema=schema))
    return names


def record(folder):
    runs = sorted((folder / ".gristmill" / "runs").iterdir(), key=lambda run: run.stat().st_mtime)
    manifest = json.loads((runs[-1] / "manifest.json").read_text())
    model = next(stage for stage in manifest["stages"] if stage["id"] == "model")
    metrics = next(exhibit["metrics"] for exhibit in model["exhibits"] if "metrics" in exhibit)
    return {metric["name"]: metric["value"] for metric in metrics["metrics"]}


def main():
    options = arguments()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="training-"))
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "rows.parquet"
    names = make(data, options.rows, options.columns)
    pipeline = folder / "training.yaml"
    pipeline.write_text(
        "name: training\nstages:\n"
        f"  - read: {{path: {data}}}\n"
        f"  - tensors: {{features: [{', '.join(names)}], target: yes, number_scale: none}}\n"
        "  - id: model\n"
        f"    train: {{network: [{{dense: 128}}, {{dense: 64}}], epochs: {options.epochs}, batch_size: 1024}}\n"
    )
    programs = []
    for name, memory in [("memory", options.plenty), ("file", options.memory)]:
        place = folder / name

        def before(place=place):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)

        words = [options.gristmill, "run", pipeline, "--dir", place, "--memory", memory, "--threads", THREADS, "--quiet"]
        programs.append(Program(name, words, before=before))
    measured = compare(programs, options.rounds)
    rates = {}
    for program in programs:
        found = record(folder / program.name)
        rates[program.name] = found["rows a second"]
        runs = measured[program.name]
        peak = max(run.peak for run in runs) / 2**30
        print(f"{program.name}: {found['rows a second']:,.0f} rows a second, peak {peak:.2f} GiB, {found['time']:.1f} s of training")
    print(f"a file reaches {rates['file'] / rates['memory']:.0%} of the rate of memory")


if __name__ == "__main__":
    main()
