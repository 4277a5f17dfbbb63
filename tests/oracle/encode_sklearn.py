#!/usr/bin/env python3
"""Codes of scikit-learn's TargetEncoder with a fixed smoothing, stored in tests/data/oracle/encode.json.

usage: encode_sklearn.py     (from the project's folder; needs scikit-learn)
"""
import json

import numpy as np
from sklearn.preprocessing import TargetEncoder

rng = np.random.default_rng(4)
values = rng.choice(["a", "b", "c", "d"], size=160, p=[0.5, 0.3, 0.15, 0.05])
targets = np.round(rng.normal(size=160) + np.array([{"a": 0, "b": 1, "c": -1, "d": 3}[v] for v in values]), 3)
encoder = TargetEncoder(smooth=5.0, target_type="continuous").fit(values.reshape(-1, 1), targets)
codes = dict(zip(encoder.categories_[0].tolist(), encoder.encodings_[0].tolist()))
rows = [[value, float(target)] for value, target in zip(values.tolist(), targets.tolist())]
json.dump({"rows": rows, "codes": codes, "mean": float(encoder.target_mean_)}, open("tests/data/oracle/encode.json", "w"), indent=1)
