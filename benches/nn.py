"""usage: nn.py FLIGHTS.csv[.gz] DIGITS.parquet FOLDER [--epochs N] [--rounds N] [--peers PYTHON] [--keras PYTHON]

An epoch of two networks beside PyTorch and Keras, on two threads: a dense one on the flights (19 numbers, layers of 128 and 64
units, two classes, batches of 256 rows) and a small convolutional one on digits of 28 by 28 pixels (32 and 64 filters of 3 by
3, pooling after each, dropout 0.5, ten classes, batches of 128); Adam with a rate of 0.001 in all. The time of an epoch is
the time of a run with 1 + N epochs less that of a run with one, divided by N: reading, encoding and starting fall out. The
peers are measured in the same way. The training losses of the last epoch must agree to 20 % (weights begin differently in each program), else the benchmark ends.

It also tells the rate of the matrix products of the dense network's shapes in NumPy (OpenBLAS) on the same threads, as the
machine's measured peak. PYTHON of --peers needs PyTorch, that of --keras Keras and TensorFlow.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import numpy as np
import polars as pl

import comparison

NUMBERS = ["month", "day", "hour", "minute", "distance", "dep_delay", "sched_dep_time", "sched_arr_time"]
PEERS = comparison.FOLDER / "peers"

TENSORS = {
    "tab": "{{features: {{number: [{names}]}}, target: y, target_kind: category, number_scale: none}}",
    "img": "{{features: {{image: {{pixels: {{height: 28, width: 28, channels: 1}}}}}}, target: y, target_kind: category}}",
}
NETWORK = {
    "tab": "[{dense: 128}, {dense: 64}]",
    "img": "[{conv2d: {filters: 32, kernel: 3}}, {max_pool: 2}, {conv2d: {filters: 64, kernel: 3}}, {max_pool: 2}, flatten, {dropout: 0.5}]",
}
BATCH = {"tab": 256, "img": 128}


def make(folder, flights, digits):
    """The training and unseen rows of both, as Parquet for us and as NumPy's file for the peers."""
    table = pl.read_csv(flights, null_values=["NA"], infer_schema_length=None).drop_nulls(["arr_delay", "dep_delay"])
    y = (table["arr_delay"] > 15).cast(pl.Int64).to_numpy()
    numbers = table.select(pl.col(NUMBERS).cast(pl.Float32)).to_numpy()
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    kinds = table.select("carrier", "origin").to_dummies().to_numpy().astype(np.float32)
    keep(folder, "tab", np.concatenate([numbers, kinds], 1).astype(np.float32), y)
    table = pl.read_parquet(digits)
    order = np.random.default_rng(7).permutation(len(table))
    pixels = np.stack(table["pixels"].to_list()).astype(np.float32).reshape(-1, 28, 28, 1) / 255
    keep(folder, "img", pixels[order], table["label"].to_numpy().astype(np.int64)[order])


def keep(folder, kind, x, y):
    n = int(len(x) * 0.8)
    np.savez(folder / f"{kind}.npz", x=x[:n], y=y[:n], unseen_x=x[n:], unseen_y=y[n:])
    for name, x, y in ((kind, x[:n], y[:n]), (f"{kind}_unseen", x[n:], y[n:])):
        if kind == "tab":
            rows = pl.DataFrame(x, schema=[f"x{i}" for i in range(x.shape[1])])
        else:
            rows = pl.DataFrame({"pixels": (x * 255).round().astype(np.uint8).reshape(len(x), -1)})
        rows.with_columns(y=pl.Series([f"class {v}" for v in y])).write_parquet(folder / f"{name}.parquet")


def ours(folder, kind, epochs):
    """A pipeline that trains for so many epochs."""
    name = f"{kind}_{epochs}"
    names = ", ".join(f"x{i}" for i in range(np.load(folder / f"{kind}.npz")["x"].shape[1]))
    (folder / f"{name}.yaml").write_text(f"""name: {name}
stages:
  - read: {{path: {kind}.parquet}}
  - id: numbers
    tensors: {TENSORS[kind].format(names=names)}
  - id: model
    train: {{network: {NETWORK[kind]}, epochs: {epochs}, batch_size: {BATCH[kind]}, optimizer: {{adam: {{learning_rate: 0.001}}}}, save: model_{name}}}
""")
    return comparison.Program(f"gristmill {epochs}", [comparison.GRISTMILL, "run", f"{name}.yaml", "--quiet", "--no-cache"], folder=folder)


def peer(folder, name, python, kind, epochs):
    out = folder / f"{name}_{kind}_{epochs}.json"
    words = [python, PEERS / f"nn_{name}.py", kind, folder / f"{kind}.npz", epochs, out]
    return comparison.Program(f"{name} {epochs}", words, folder=folder)


def losses(folder, name, kind, epochs):
    if name == "gristmill":
        bundle = json.loads((folder / f"model_{kind}_{epochs}" / "bundle.json").read_text())
        return [epoch["loss"] for epoch in bundle["training"]["epochs"]]
    return json.loads((folder / f"{name}_{kind}_{epochs}.json").read_text())["losses"]


def accuracy(folder, name, kind, epochs):
    """The share of unseen rows that a network names rightly."""
    if name != "gristmill":
        return json.loads((folder / f"{name}_{kind}_{epochs}.json").read_text())["accuracy"]
    words = [comparison.GRISTMILL, "predict", f"./model_{kind}_{epochs}", f"{kind}_unseen.parquet", "--out", f"{kind}_predicted.parquet"]
    done = comparison.run(comparison.Program("predict", words, folder=folder))
    if done.failure:
        sys.exit(done.output)
    table = pl.read_parquet(folder / f"{kind}_predicted.parquet")
    return (table["prediction"] == table["y"]).mean()


def peak(m=256, k=128, n=64, repeats=4000):
    """Rate of a matrix product in units of 1e9 operations by the second."""
    a, b, c = (np.ones(shape, np.float32) for shape in ((m, k), (k, n), (m, n)))
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(repeats):
            np.matmul(a, b, out=c)
        best = max(best, 2 * m * k * n * repeats / (time.perf_counter() - began) / 1e9)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flights")
    parser.add_argument("digits")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=os.path.expanduser("~/.cache/torch/bin/python"))
    parser.add_argument("--keras")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, given.flights, given.digits)
    names = ["gristmill", "torch"] + (["keras"] if given.keras else [])
    pythons = {"torch": given.peers, "keras": given.keras}
    for kind, title in (("tab", "an epoch of a dense network on 262 000 flights"), ("img", "an epoch of a small CNN on digits")):
        several = 1 + given.epochs
        make_one = lambda name, epochs: ours(folder, kind, epochs) if name == "gristmill" else peer(folder, name, pythons[name], kind, epochs)
        measured = comparison.compare([make_one(name, epochs) for name in names for epochs in (1, several)], given.rounds)
        if any(run.failure for runs in measured.values() for run in runs):
            sys.exit("a program failed")
        last = {name: losses(folder, name, kind, several)[-1] for name in names}
        if any(abs(loss - last["gristmill"]) > 0.2 * last["gristmill"] for loss in last.values()):
            sys.exit(f"the losses differ: {last}")
        seconds = lambda name, epochs: statistics.median(run.seconds for run in measured[f"{name} {epochs}"])
        epoch = {name: (seconds(name, several) - seconds(name, 1)) / given.epochs for name in names}
        right = {name: accuracy(folder, name, kind, several) for name in names}
        peaks = {name: max(run.peak for run in measured[f"{name} {several}"]) / 2**30 for name in names}
        lines = [f"| {title} | seconds | as a multiple of gristmill | peak memory | loss after {several} epochs | accuracy on unseen rows |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {name} | {epoch[name]:.2f} | {epoch[name] / epoch['gristmill']:.2f} | {peaks[name]:.2f} GiB | {last[name]:.4f} | {100 * right[name]:.2f} % |"
            for name in names
        ]
        text = "\n".join(lines)
        print(text)
        result = {"name": f"nn_{kind}", "title": title, "seconds": epoch, "losses": last, "accuracies": right, "peaks": peaks, "rounds": given.rounds, "table": text}
        (comparison.FOLDER / "results").mkdir(exist_ok=True)
        (comparison.FOLDER / "results" / f"nn_{kind}.json").write_text(json.dumps(result, indent=1) + "\n")
        comparison.rewrite(f"nn_{kind}", text)
    print(f"matrix products of 256 by 128 by 64 in NumPy: {peak():.0f} Gflop/s")


if __name__ == "__main__":
    main()
