"""Expected values for src/statistics/drift, from SciPy, on the flights out of New York (sample-data/flights).

Usage: python drift_scipy.py ../../sample-data/flights/flights.csv.gz > ../data/oracle/drift_scipy.json
Needs: pip install scipy pandas (written with SciPy 1.17, pandas 2.3)
"""

import json
import sys

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

flights = pd.read_csv(sys.argv[1])
delays = flights.dropna(subset=["dep_delay", "air_time"])


def drawn(column, month, size, seed):
    return [float(v) for v in delays.loc[delays.month == month, column].sample(size, random_state=seed)]


def pairs():
    yield "delays of January and July", drawn("dep_delay", 1, 120, 1), drawn("dep_delay", 7, 150, 2)
    yield "flights of January and February", drawn("air_time", 1, 90, 3), drawn("air_time", 2, 200, 4)
    yield "the same values", [1.0, 2.0, 2.0, 5.0], [5.0, 2.0, 1.0, 2.0]
    yield "nothing in common", [1.0, 2.0, 3.0], [10.0, 11.0]
    yield "one against many", [3.0], [1.0, 2.0, 3.0, 4.0, 9.0]
    yield "huge", [1e300, 2e300, -1e300], [1e299, 5e299]


def numbers():
    for name, before, now in pairs():
        statistic = float(stats.ks_2samp(before, now, method="asymp").statistic)
        effective = len(before) * len(now) / (len(before) + len(now))
        yield {
            "name": name,
            "before": before,
            "now": now,
            "ks": statistic,
            "ks_p": float(special.kolmogorov(np.sqrt(effective) * statistic)),
            "wasserstein": float(stats.wasserstein_distance(before, now)),
        }


def counts():
    carriers = flights.groupby(["month", "carrier"]).size().unstack(fill_value=0)
    tables = [("carriers of January and July", carriers.loc[1], carriers.loc[7])]
    origins = flights.groupby(["month", "origin"]).size().unstack(fill_value=0)
    tables.append(("airports of May and June", origins.loc[5], origins.loc[6]))
    tables.append(("one is new", pd.Series([50, 50, 0]), pd.Series([40, 40, 20])))
    tables.append(("nothing in common", pd.Series([5, 0]), pd.Series([0, 7])))
    for name, before, now in tables:
        table = np.array([before, now])
        chi2, p, degrees, _ = stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False)
        yield {
            "name": name,
            "before": [int(v) for v in before],
            "now": [int(v) for v in now],
            "jensen_shannon": float(jensenshannon(before, now, base=2)),
            "chi_squared": float(chi2),
            "degrees": int(degrees),
            "p": repr(float(p)),
        }


def stages():
    """The two tables of tests/it/compare.rs; bins are tenths of the earlier values, closed above."""
    i = np.arange(1000)
    before, kinds_before = i % 100, np.where(i % 2 == 0, "a", "b")
    now, kinds = np.where(i % 2 == 0, i % 100 + 100, i % 100), np.where(i % 4 == 0, "c", "b")
    now = now[i % 10 != 9]

    def index(p, q):
        p, q = np.maximum(p / p.sum(), 1e-4), np.maximum(q / q.sum(), 1e-4)
        return float(((q - p) * np.log(q / p)).sum())

    edges = [-np.inf, *np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"), np.inf]
    binned = [np.histogram(np.asarray(v) - 0.5, np.asarray(edges))[0] for v in (before, now)]
    table = np.array([[(kinds_before == k).sum() for k in "abc"], [(kinds == k).sum() for k in "abc"]])
    yield {
        "value": {
            "ks": float(stats.ks_2samp(before, now).statistic),
            "wasserstein": float(stats.wasserstein_distance(before, now)),
            "mean_before": float(before.mean()),
            "mean": float(now.mean()),
            "psi": index(*binned),
        },
        "kind": {
            "jensen_shannon": float(jensenshannon(*table, base=2)),
            "chi_squared": float(stats.chi2_contingency(table, correction=False)[0]),
            "psi": index(*table),
        },
    }


sections = {"numbers": numbers(), "counts": counts(), "stages": stages()}
print("{\n" + ",\n".join(
    json.dumps(name) + ": [\n" + ",\n".join(json.dumps(case, allow_nan=False) for case in cases) + "\n]"
    for name, cases in sections.items()) + "\n}")
