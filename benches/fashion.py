"""usage: fashion.py TRAIN.parquet TEST.parquet FOLDER [--epochs N] [--accuracy 0.92] [--rounds N] [--peers PYTHON] [--settings]

Time until 92 % of the 10,000 test images of Fashion-MNIST are told right, on two threads: `preset: image` in gristmill beside a
PyTorch program with the same network (two convolutions of 3 by 3 with batch norm, ReLU and pooling, a dense layer of 128 units,
dropout 0.3), the same batches of 64 rows, AdamW at 0.003 with a decay of 0.01 on the weights, one cycle of the rate, and
the same variation of the training images (swapped left and right in half of the cases, moved by a pixel or none). Both judge
the test images after each epoch; that time counts. Time is counted from the first step: reading and starting fall out.

`--settings` measures no peer but what the preset could be: other shares of dropout, other variations of the images, one run each.

The tables have the columns `label` and `pixels` (784 numbers from 0 to 255). The test images only stop the clock here: a model
for use is chosen on a part of its own. PYTHON of --peers needs PyTorch.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import sys

import numpy as np
import polars as pl

import comparison
import training

AUGMENT = {"flip": True, "shift": 0.05}


def network(*dense):
    """The convolutions of the preset, and these layers behind them."""
    block = lambda filters: f"{{conv2d: {{filters: {filters}, kernel: 3, padding: same, activation: linear, bias: false}}}}, batch_norm, {{activation: relu}}, {{max_pool: 2}}"
    return f"network: [{block(32)}, {block(64)}, flatten, {', '.join(dense)}]"


# What is varied, and how the images are.
SETTINGS = {
    "as the preset": ("", AUGMENT),
    "swapped only": ("", {"flip": True}),
    "not varied": ("", {}),
    "dropout 0.25 and 0.5": (network("{dropout: 0.25}", "{dense: 128}", "{dropout: 0.5}"), AUGMENT),
    "dropout 0.5": (network("{dense: 128}", "{dropout: 0.5}"), AUGMENT),
    "batch norm before the dense layer's activation": (
        network("{dense: {units: 128, activation: linear, bias: false}}", "batch_norm", "{activation: relu}", "{dropout: 0.3}"),
        {"flip": True},
    ),
}


def images(path):
    table = pl.read_parquet(path)
    return np.stack(table["pixels"].to_list()).astype(np.uint8), table["label"].to_numpy().astype(np.int64)


def make(folder, train, test):
    """One table for gristmill, whose split by time gives back the two parts, and NumPy's file for the peer."""
    parts = [images(path) for path in (train, test)]
    days = [datetime.datetime(2000, 1, 1 + number) for number in range(2)]
    tables = [
        pl.DataFrame({"pixels": pl.Series(pixels.tolist(), dtype=pl.List(pl.UInt8)), "label": [f"class {label}" for label in labels], "shown": [day] * len(labels)})
        for (pixels, labels), day in zip(parts, days)
    ]
    pl.concat(tables).write_parquet(folder / "fashion.parquet")
    (x, y), (unseen_x, unseen_y) = parts
    np.savez(folder / "fashion.npz", x=x, y=y, unseen_x=unseen_x, unseen_y=unseen_y)
    return len(y) / (len(y) + len(unseen_y))


def ours(folder, share, epochs, layers="", augment=AUGMENT):
    augment = ", ".join(f"{name}: {json.dumps(value)}" for name, value in augment.items())
    (folder / "fashion.yaml").write_text(f"""name: fashion
stages:
  - read: {{path: fashion.parquet}}
  - split: {{by: time, on: shown, parts: {{train: {share:.9f}, test: {1 - share:.9f}}}}}
  - tensors: {{features: {{image: {{pixels: {{height: 28, width: 28, channels: 1, scale: standard, augment: {{{augment}}}}}}}}}, target: label}}
  - id: model
    train: {{preset: image, epochs: {epochs}, validate_on: test, save: model{", " if layers else ""}{layers}}}
""")
    return comparison.Program("gristmill", [comparison.GRISTMILL, "run", "fashion.yaml", "--quiet", "--no-cache"], folder=folder)


def epochs_of(folder, name):
    """Seconds since the first step and share of right answers, after each epoch."""
    if name == "torch":
        return json.loads((folder / "torch.json").read_text())["epochs"]
    # The record of the run tells the time of an epoch, the model what was right after each.
    seconds = training.record(folder)["time of an epoch"]
    epochs = json.loads((folder / "model" / "bundle.json").read_text())["training"]["epochs"]
    return [[epoch["epoch"] * seconds, epoch["validation"]["metric"]] for epoch in epochs]


def settings(folder, share, epochs):
    """The share of right answers after the last epoch, and the best one, by setting."""
    print(f"| setting | accuracy after {epochs} epochs | the best epoch | an epoch, seconds |\n|---|---|---|---|")
    for name, (layers, augment) in SETTINGS.items():
        run = comparison.compare([ours(folder, share, epochs, layers, augment)], 1)["gristmill"][0]
        if run.failure:
            sys.exit(f"{name} failed")
        found = epochs_of(folder, "gristmill")
        best = max(accuracy for _, accuracy in found)
        print(f"| {name} | {found[-1][1]:.2%} | {best:.2%} | {found[-1][0] / epochs:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--accuracy", type=float, default=0.92)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peers", default=os.path.expanduser("~/.cache/torch/bin/python"))
    parser.add_argument("--settings", action="store_true")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    share = make(folder, given.train, given.test)
    if given.settings:
        settings(folder, share, given.epochs)
        return
    words = [given.peers, comparison.FOLDER / "peers" / "fashion_torch.py", folder / "fashion.npz", given.epochs, folder / "torch.json", json.dumps(AUGMENT)]
    programs = [ours(folder, share, given.epochs), comparison.Program("torch", words, folder=folder)]
    until, last = {program.name: [] for program in programs}, {program.name: [] for program in programs}
    for _ in range(given.rounds):
        for name, runs in comparison.compare(programs, 1).items():
            if any(run.failure for run in runs):
                sys.exit(f"{name} failed")
            epochs = epochs_of(folder, name)
            until[name].append(next((seconds for seconds, accuracy in epochs if accuracy >= given.accuracy), None))
            last[name].append(epochs[-1])
            print(name, [(round(seconds, 1), round(accuracy, 4)) for seconds, accuracy in epochs], file=sys.stderr)
    lines = [f"| Fashion-MNIST | seconds until {given.accuracy:.0%} of the test images | an epoch, seconds | accuracy after {given.epochs} epochs |", "|---|---|---|---|"]
    for name in until:
        reached = "not reached" if None in until[name] else f"{statistics.median(until[name]):.0f}"
        seconds, accuracy = (statistics.median(values) for values in zip(*last[name]))
        lines.append(f"| {name} | {reached} | {seconds / given.epochs:.1f} | {accuracy:.2%} |")
    text = "\n".join(lines)
    print(text)
    result = {"name": "fashion", "title": "Fashion-MNIST", "until": until, "last": last, "rounds": given.rounds, "table": text}
    (comparison.FOLDER / "results").mkdir(exist_ok=True)
    (comparison.FOLDER / "results" / "fashion.json").write_text(json.dumps(result, indent=1) + "\n")
    comparison.rewrite("fashion", text)


if __name__ == "__main__":
    main()
