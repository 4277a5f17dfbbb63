"""Expected distances and outlier factors, computed by scikit-learn and SciPy on flights and weather.

    pip install scikit-learn scipy pandas
    python tests/oracle/anomalies_sklearn.py

It writes tests/data/oracle/anomalies_sklearn.json, which the unit tests under src/statistics/anomalies/ read.
"""

import json
import pathlib
import warnings

import numpy as np
import pandas as pd
from scipy.stats import median_abs_deviation
from sklearn.covariance import EmpiricalCovariance, MinCovDet
from sklearn.neighbors import LocalOutlierFactor

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "data" / "oracle" / "anomalies_sklearn.json"
warnings.simplefilter("ignore")

flights = pd.read_csv(ROOT / "sample-data" / "flights" / "flights.csv.gz", na_values="NA")
flights = flights[["dep_delay", "air_time", "distance"]].dropna().sample(180, random_state=3).to_numpy(float)
weather = pd.read_csv(ROOT / "sample-data" / "flights" / "weather.csv.gz", na_values="NA")
weather = weather[["temp", "dewp", "humid", "pressure"]].dropna().sample(151, random_state=4).to_numpy(float)
rng = np.random.default_rng(5)
# Many equal rows, and some far out.
grid = np.concatenate([rng.integers(0, 4, (120, 2)), [[9, 9], [9, 9], [-7, 3]]]).astype(float)
tables = {"flights": flights, "weather": weather, "grid": grid}



def settle(rows, half, rng):
    """Concentration steps from p + 1 random rows until the same rows are nearest; the determinant and the rows."""
    support = np.zeros(len(rows), dtype=bool)
    support[rng.choice(len(rows), rows.shape[1] + 1, replace=False)] = True
    while True:
        location, covariance = rows[support].mean(axis=0), np.cov(rows[support].T, bias=True)
        distance = np.einsum("ij,jk,ik->i", rows - location, np.linalg.pinv(covariance), rows - location)
        nearest = np.zeros(len(rows), dtype=bool)
        nearest[np.argsort(distance, kind="stable")[:half]] = True
        if (nearest == support).all():
            return np.linalg.slogdet(covariance)[1], support
        support = nearest


factors, distances, robust, scores = [], [], [], []
for name, rows in tables.items():
    fitted, new = rows[:-20], rows[-20:]
    for neighbours in (5, 20):
        outlier = LocalOutlierFactor(neighbours, algorithm="brute").fit(fitted)
        novelty = LocalOutlierFactor(neighbours, algorithm="brute", novelty=True).fit(fitted)
        factors.append({
            "name": name,
            "neighbours": neighbours,
            "own": (-outlier.negative_outlier_factor_).tolist(),
            "new": (-novelty.score_samples(new)).tolist(),
        })
    distances.append({"name": name, "distances": np.sqrt(EmpiricalCovariance().fit(rows).mahalanobis(rows) * (len(rows) - 1) / len(rows)).tolist()})
    median = np.median(rows, axis=0)
    deviation = median_abs_deviation(rows, axis=0, scale="normal")
    scores.append({"name": name, "deviations": (np.abs(rows - median) / np.where(deviation > 0, deviation, np.inf)).max(axis=1).tolist()})
    if name != "grid":
        # Two searches that both find the optimum agree: the best of 3,000 starts from p + 1 rows, each followed until nothing
        # changes. (scikit-learn starts from random halves, which are all alike, and ends in a worse optimum on these flights.)
        half = (len(rows) + rows.shape[1] + 1) // 2
        starts = (settle(rows, half, np.random.default_rng(seed)) for seed in range(3000))
        determinant, support = min(starts, key=lambda found: found[0])
        location, covariance = rows[support].mean(axis=0), np.cov(rows[support].T, bias=True)
        distance = np.einsum("ij,jk,ik->i", rows - location, np.linalg.inv(covariance), rows - location)
        best = MinCovDet()
        best.raw_location_, best.raw_covariance_, best.raw_support_ = location, covariance, support
        best.support_, best.dist_ = support, distance
        best.correct_covariance(rows)
        best.reweight_covariance(rows)
        robust.append({
            "name": name,
            "subset": [int(i) for i in np.flatnonzero(best.raw_support_)],
            "raw_location": best.raw_location_.tolist(),
            "raw_determinant": float(np.linalg.slogdet(np.cov(rows[best.raw_support_].T, bias=True))[1]),
            "location": best.location_.tolist(),
            "support": int(best.support_.sum()),
            "shape": (best.covariance_ / best.covariance_[0, 0]).tolist(),
        })

OUT.write_text(json.dumps({"rows": {k: v.tolist() for k, v in tables.items()}, "factors": factors, "distances": distances, "deviations": scores, "robust": robust}) + "\n")
print(OUT.stat().st_size)
