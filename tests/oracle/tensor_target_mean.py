#!/usr/bin/env python3
"""Stores what scikit-learn's TargetEncoder makes of categories, for the tests of src/tensor/target_mean/.

Folds are given, so that training rows can be compared too: `crossed` is `fit_transform` with these folds, `codes` is
`transform` of each value of `apply`, of which some were not there.

    python tests/oracle/tensor_target_mean.py
"""

import json
import pathlib

import numpy as np
from sklearn.model_selection import PredefinedSplit
from sklearn.preprocessing import TargetEncoder

OUT = pathlib.Path(__file__).parents[1] / "data/oracle/tensor_target_mean.json"
FOLDS = 4


def case(kind, values, targets, folds, smooth):
    column = np.array(values, dtype=object).reshape(-1, 1)
    target_type = {"number": "continuous", "binary": "binary", "category": "multiclass"}[kind]
    encoder = TargetEncoder(smooth=smooth, target_type=target_type, cv=PredefinedSplit(folds))
    crossed = encoder.fit_transform(column, targets)
    apply = sorted(set(values)) + ["never seen"]
    codes = encoder.transform(np.array(apply, dtype=object).reshape(-1, 1))
    return {
        "kind": kind,
        "smoothing": smooth,
        "values": list(values),
        "targets": np.asarray(targets).tolist(),
        "folds": folds.tolist(),
        "apply": apply,
        # As texts, because the last digit may be lost when JSON is read.
        "codes": [repr(float(code)) for code in codes.ravel()],
        "crossed": [repr(float(code)) for code in crossed.ravel()],
        "means": [repr(float(mean)) for mean in np.atleast_1d(encoder.target_mean_)],
    }


def main():
    random = np.random.default_rng(20260105)
    cases = []
    rows = 90
    folds = random.permutation(np.arange(rows) % FOLDS)
    names = np.array(["a", "b", "c", "dd", "e e", "once", "twice"], dtype=object)
    values = names[random.choice(7, rows, p=[0.35, 0.25, 0.2, 0.1, 0.08, 0.01, 0.01])]
    # A value that is in one fold only, and one whose rows all have the same target.
    values[folds == 1] = np.where(values[folds == 1] == "a", "of one fold", values[folds == 1])
    shift = {name: at for at, name in enumerate(["a", "b", "c", "dd", "e e", "once", "twice", "of one fold"])}
    base = np.array([shift[value] for value in values])
    numbers = np.round(random.normal(size=rows) * 3 + base - 40, 3)
    numbers[values == "dd"] = 7.5
    binary = (random.random(rows) < 0.1 + 0.1 * base).astype(int)
    classes = np.array(["x", "y", "z"])[(base + random.integers(0, 3, rows)) % 3]
    for smooth in ["auto", 0.0, 12.5]:
        cases.append(case("number", values, numbers, folds, smooth))
        cases.append(case("binary", values, binary, folds, smooth))
        cases.append(case("category", values, classes, folds, smooth))
    # A target that is always the same in the other folds of one.
    constant = np.full(rows, 2.0)
    constant[folds == 2] = 3.0
    cases.append(case("number", values, constant, folds, "auto"))
    OUT.write_text(json.dumps({"means": cases}, separators=(",", ":")) + "\n")
    print(OUT, OUT.stat().st_size)


main()
