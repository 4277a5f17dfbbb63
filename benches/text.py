"""usage: text.py REVIEWS.parquet FOLDER [--rounds N] [--peers PYTHON] [--splits N] [--repeat N]

Texts are told apart: the sign of the sentiment of film reviews, by gristmill (`preset: text` on words and pairs of words), fastText and
scikit-learn (TF-IDF and logistic regression), on two threads. Each program reads the training rows from a Parquet file, learns,
reads the other rows and writes their probabilities; the time is that of all of it. Accuracy and area under the ROC curve are means
over several divisions of the rows, 80 to 20, the first of which is timed. `--repeat N` repeats the training rows N times, with
words marked by the copy, so that there is more to do than to start.

PYTHON of --peers needs polars, scikit-learn and fasttext-wheel. REVIEWS.parquet has the columns `text` and `rating`
(sample-data/reviews/reviews.parquet).
"""

import argparse
import json
import os
import pathlib
import sys

import numpy as np
import polars as pl

import comparison

PEERS = comparison.FOLDER / "peers"
TENSORS = "{features: {text: {text: {ngrams: {from: 1, to: 2}, vocabulary: 40000, length: 96, distinct: true}}}, target: positive}"
TRAIN = "{preset: text, seed: 1}"


def make(folder, reviews, split, repeat):
    """The rows that are learned and the others, by a division of their own for each split."""
    rows = pl.read_parquet(reviews).select("text", positive=pl.col("rating") > 0)
    order = np.random.default_rng(split).permutation(len(rows))
    cut = int(len(rows) * 0.8)
    train = rows[order[:cut]]
    copies = [train] + [train.with_columns(pl.col("text").str.replace_all(r"(\w+)", f"${{1}}{chr(97 + copy % 26) * (1 + copy // 26)}")) for copy in range(1, repeat)]
    pl.concat(copies).write_parquet(folder / f"train_{split}.parquet")
    rows[order[cut:]].write_parquet(folder / f"test_{split}.parquet")
    return rows["positive"].to_numpy()[order[cut:]]


def ours(folder, split):
    (folder / f"text_{split}.yaml").write_text(f"""name: text_{split}
stages:
  - read: {{path: train_{split}.parquet}}
  - tensors: {TENSORS}
  - id: model
    train: {TRAIN}
  - id: unseen
    read: {{path: test_{split}.parquet}}
  - predict: {{model: model}}
  - select: {{keep: [probability]}}
  - write: {{path: gristmill_{split}.parquet}}
""")
    return comparison.Program("gristmill", [comparison.GRISTMILL, "run", f"text_{split}.yaml", "--quiet", "--no-cache"], folder=folder)


def peer(folder, name, python, split):
    words = [python, PEERS / f"text_{name}.py", f"train_{split}.parquet", f"test_{split}.parquet", f"{name}_{split}.json"]
    return comparison.Program(name, words, folder=folder)


def probabilities(folder, name, split):
    if name == "gristmill":
        return pl.read_parquet(folder / f"gristmill_{split}.parquet")["probability"].to_numpy()
    return np.array(json.loads((folder / f"{name}_{split}.json").read_text()))


def area(scores, truth):
    """The area under the ROC curve: the share of pairs in which yes stands above no, ties half."""
    ranks = pl.Series(scores).rank("average").to_numpy()
    yes = truth.sum()
    return (ranks[truth].sum() - yes * (yes + 1) / 2) / (yes * (len(truth) - yes))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reviews")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--peers", default=os.path.expanduser("~/.cache/peers/bin/python"))
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    names = ["gristmill", "fasttext", "sklearn"]
    programs = lambda split: [ours(folder, split)] + [peer(folder, name, given.peers, split) for name in names[1:]]
    accuracies, areas = {name: [] for name in names}, {name: [] for name in names}
    measured = {}
    for split in range(given.splits):
        truth = make(folder, given.reviews, split, given.repeat)
        found = comparison.compare(programs(split), given.rounds if split == 0 else 1)
        measured = measured or found
        if any(run.failure for runs in found.values() for run in runs):
            sys.exit("a program failed")
        for name in names:
            scores = probabilities(folder, name, split)
            if len(scores) != len(truth):
                sys.exit(f"{name} has {len(scores)} probabilities for {len(truth)} rows")
            accuracies[name].append(float(((scores > 0.5) == truth).mean()))
            areas[name].append(float(area(scores, truth)))
    columns = {
        "accuracy": {name: f"{100 * np.mean(accuracies[name]):.2f} %" for name in names},
        "area under ROC": {name: f"{np.mean(areas[name]):.4f}" for name in names},
    }
    texts = pl.read_parquet(folder / "train_0.parquet").height
    note = f"Means of {given.splits} divisions, 80 to 20; standard errors of the accuracies " + ", ".join(f"{100 * np.std(accuracies[name], ddof=1) / np.sqrt(given.splits):.2f}" for name in names) + "." if given.splits > 1 else ""
    comparison.store("text", f"{texts:,} texts: learn, and judge the others", measured, columns, note)


if __name__ == "__main__":
    main()
