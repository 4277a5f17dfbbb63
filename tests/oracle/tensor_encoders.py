#!/usr/bin/env python3
"""Stores what scikit-learn makes of columns of numbers and of hashed categories, for the tests of src/tensor/.

Piecewise-linear encoding is computed here from its formula (Gorishniy, Rubachev & Babenko 2022, equation 1).
scikit-learn divides by the deviation of a population, src/tensor/ by that of a sample; the values are brought to it.

    python tests/oracle/tensor_encoders.py
"""

import json
import pathlib

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

OUT = pathlib.Path(__file__).parents[1] / "data/oracle/tensor_encoders.json"


def plain(values):
    return [float(value) for value in np.asarray(values, dtype=float).ravel()]


def piecewise(train, apply, bins):
    borders = np.unique(np.quantile(train, np.linspace(0, 1, bins + 1)))
    last = len(borders) - 2
    parts = (apply[:, None] - borders[:-1]) / np.diff(borders)
    for bin in range(last + 1):
        if bin > 0:
            parts[:, bin] = np.maximum(parts[:, bin], 0)
        if bin < last:
            parts[:, bin] = np.minimum(parts[:, bin], 1)
    return parts


def numbers():
    random = np.random.default_rng(20240901)
    tables = [
        (np.round(random.gamma(2, 30, 80), 2), np.round(random.gamma(2, 40, 12), 2)),
        (random.integers(0, 6, 90).astype(float), np.array([-1, 0, 1, 2, 2.5, 3, 4.75, 5, 6])),
        (random.normal(-5, 300, 41), np.array([-900.0, -5.0, 0.0, 12.25, 5000.0])),
    ]
    cases = []
    for train, apply in tables:
        column = lambda values: values.reshape(-1, 1)
        to_sample = np.sqrt((len(train) - 1) / len(train))
        log = lambda values: np.sign(values) * np.log1p(np.abs(values))
        quantiles = min(20, len(train))
        expected = [
            ("zscore", StandardScaler().fit(column(train)).transform(column(apply)) * to_sample),
            ("minmax", MinMaxScaler().fit(column(train)).transform(column(apply))),
            ({"robust": {}}, RobustScaler().fit(column(train)).transform(column(apply))),
            ("log1p", StandardScaler().fit(column(log(train))).transform(column(log(apply))) * to_sample),
        ]
        for to in ["uniform", "normal"]:
            method = QuantileTransformer(n_quantiles=quantiles, output_distribution=to)
            given = method.fit(column(train)).transform(column(apply))
            expected.append(({"quantile": {"to": to, "quantiles": quantiles}}, given))
        for by, strategy in [("width", "uniform"), ("quantile", "quantile")]:
            options = {"quantile_method": "linear"} if by == "quantile" else {}
            method = KBinsDiscretizer(5, encode="onehot-dense", strategy=strategy, subsample=None, **options)
            expected.append(({"bin": {"bins": 5, "by": by}}, method.fit(column(train)).transform(column(apply))))
        expected.append(({"piecewise_linear": {"bins": 7}}, piecewise(train, apply, 7)))
        for scale, values in expected:
            cases.append({"scale": scale, "train": plain(train), "apply": plain(apply), "expected": plain(values)})
    return cases


def hashes():
    values = ["UA", "AA", "", "a longer value", "Zürich", "東京", "x" * 65]
    cases = []
    for buckets in [7, 64, 1000]:
        for column in ["carrier", "c"]:
            rows = FeatureHasher(buckets).transform([{column: value} for value in values]).toarray()
            for value, row in zip(values, rows):
                (bucket,) = np.flatnonzero(row)
                cases.append({
                    "column": column,
                    "value": value,
                    "buckets": buckets,
                    "bucket": int(bucket),
                    "sign": float(row[bucket]),
                })
    return cases


OUT.write_text(json.dumps({"numbers": numbers(), "hashes": hashes()}, indent=1) + "\n")
