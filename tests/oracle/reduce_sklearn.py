"""Expected principal components, computed by scikit-learn on digits (8 x 8 pixels) and flights.

    pip install scikit-learn pandas
    python tests/oracle/reduce_sklearn.py

It writes tests/data/oracle/reduce_sklearn.json, which the unit tests under src/statistics/decomposition/ read.
"""

import json
import pathlib

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "data" / "oracle" / "reduce_sklearn.json"

flights = pd.read_csv(ROOT / "sample-data" / "flights" / "flights.csv.gz", na_values="NA")
flights = flights[["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]].dropna()
flights = flights.sample(200, random_state=1).to_numpy(float)
digits = load_digits().data[:160]
tables = {"flights": flights, "digits": digits}

cases = []
for name, rows in tables.items():
    for scale in (False, True):
        used = rows
        if scale:
            deviation = rows.std(axis=0, ddof=1)
            used = (rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
        count = 6 if name == "flights" else 8
        pca = PCA(count, svd_solver="full").fit(used)
        cases.append({
            "name": name,
            "scale": scale,
            "components": count,
            "variances": pca.explained_variance_.tolist(),
            "shares": pca.explained_variance_ratio_.tolist(),
            "vectors": pca.components_.tolist(),
            "scores": pca.transform(used)[:3].tolist(),
            "for_90_percent": int(np.searchsorted(np.cumsum(PCA(svd_solver="full").fit(used).explained_variance_ratio_), 0.9) + 1),
        })

integers = {name: [[int(v) for v in row] for row in rows] for name, rows in tables.items()}
OUT.write_text(json.dumps({"rows": integers, "pca": cases}) + "\n")
print(OUT.stat().st_size)
