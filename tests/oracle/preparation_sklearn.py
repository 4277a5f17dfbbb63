"""Expected numbers for what preparation stages learn, computed by scikit-learn.

    pip install scikit-learn
    python tests/oracle/preparation_sklearn.py

It writes tests/data/oracle/preparation_sklearn.json, which the unit tests under src/statistics/ read.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import BayesianRidge
from sklearn.preprocessing import PowerTransformer, QuantileTransformer

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "preparation_sklearn.json"
warnings.simplefilter("ignore")
rng = np.random.default_rng(20080815)


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (np.integer,)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(f"{float(value):.15g}")
    return value


def holes(table, share):
    table = table.copy()
    table[rng.random(table.shape) < share] = np.nan
    return table


def standard(table):
    """Mean 0 and deviation 1 of what is there, so that the house's own scaling changes nothing."""
    return (table - np.nanmean(table, 0)) / np.nanstd(table, 0)


def correlated(rows, columns):
    mix = rng.normal(0, 1, (columns, columns))
    return rng.normal(0, 1, (rows, columns)) @ mix + rng.normal(0, 0.3, (rows, columns))


def yeo_johnson():
    cases = {
        "normal": rng.normal(3, 2, 80), "log-normal": rng.lognormal(1, 1, 80), "both signs, skewed": rng.gumbel(0, 2, 80),
        "left-skewed": -rng.lognormal(0.5, 0.7, 60), "large": rng.lognormal(10, 1.5, 60), "small": rng.gamma(0.7, 0.02, 60),
        "counts": rng.poisson(3, 70).astype(float),
    }
    for name, values in cases.items():
        values = np.round(values, 6)
        transformer = PowerTransformer(method="yeo-johnson", standardize=False).fit(values[:, None])
        yield {"name": name, "values": values, "power": transformer.lambdas_[0],
               "transformed": transformer.transform(values[:, None])[:, 0]}


def quantile():
    cases = {"few": (rng.normal(0, 1, 12), 1000), "gamma": (rng.gamma(2, 2, 90), 10), "ties": (rng.poisson(2, 80).astype(float), 20),
             "constant": (np.full(6, 2.5), 5), "one quantile per value": (rng.normal(50, 20, 40), 40)}
    for name, (values, count) in cases.items():
        values = np.round(values, 6)
        new = np.round(np.concatenate([values, [values.min() - 1, values.max() + 1], rng.uniform(values.min(), values.max(), 20)]), 6)
        case = {"name": name, "values": values, "quantiles": count, "new": new}
        for output in ("uniform", "normal"):
            transformer = QuantileTransformer(n_quantiles=count, output_distribution=output, subsample=None).fit(values[:, None])
            case[output] = transformer.transform(new[:, None])[:, 0]
        yield case


def neighbours():
    for name, rows, columns, share, k, weights in [
        ("few gaps", 40, 4, 0.1, 5, "uniform"), ("many gaps", 40, 5, 0.35, 3, "uniform"), ("by distance", 50, 3, 0.2, 4, "distance"),
        ("one neighbour", 30, 3, 0.2, 1, "uniform"),
    ]:
        table = np.round(holes(correlated(rows, columns), share), 5)
        for i in range(rows):  # a row with nothing to compare is another test
            if np.isnan(table[i]).all():
                table[i, 0] = 0.5
        # Distances of scikit-learn are scaled up to all columns, also that which is filled: a factor that is the same for all donors.
        filled = KNNImputer(n_neighbors=k, weights=weights).fit_transform(table)
        yield {"name": name, "columns": table.T, "neighbours": k, "weights": weights, "filled": filled.T}


def bayesian_ridge():
    for name, rows, columns, noise in [("noisy", 60, 4, 2.0), ("nearly exact", 50, 3, 0.05), ("more columns than rows", 6, 9, 0.5), ("nothing to find", 40, 3, None)]:
        x = rng.normal(0, 1, (rows, columns)) + 3
        y = rng.normal(0, 1, rows) if noise is None else x @ rng.normal(0, 1, columns) + rng.normal(0, noise, rows)
        x, y = np.round(x, 6), np.round(y, 6)
        model = BayesianRidge().fit(x, y)
        yield {"name": name, "x": x, "y": y, "coefficients": model.coef_, "intercept": model.intercept_}


def regressions():
    for name, rows, columns, share in [("few gaps", 80, 4, 0.08), ("many gaps", 120, 5, 0.25)]:
        table = standard(holes(correlated(rows, columns), share))
        new = holes(correlated(20, columns), 0.3) / 2
        imputer = IterativeImputer(max_iter=10, tol=1e-3)
        filled = imputer.fit_transform(table)
        yield {"name": name, "columns": table.T, "filled": filled.T, "rounds": imputer.n_iter_,
               "new": new.T, "new_filled": imputer.transform(new).T}


def isolation_forest():
    blob = rng.normal(0, 1, (300, 2))
    ring = rng.uniform(0, 2 * np.pi, 250)
    cases = {
        "a cloud and a few far points": np.vstack([blob, rng.uniform(-7, 7, (12, 2))]),
        "two clouds": np.vstack([blob * 0.5 - 4, rng.normal(0, 0.7, (200, 2)) + 3, [[0, 0], [8, -8]]]),
        "a ring": np.column_stack([np.cos(ring), np.sin(ring)]) * 3 + rng.normal(0, 0.2, (250, 2)),
        "five columns": correlated(400, 5),
    }
    for name, rows in cases.items():
        rows = np.round(rows, 5)
        scores = np.mean([-IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(rows).score_samples(rows) for seed in range(10)], 0)
        yield {"name": name, "rows": rows, "scores": np.round(scores, 6)}


sections = [yeo_johnson, quantile, neighbours, bayesian_ridge, regressions, isolation_forest]
OUT.write_text("{\n" + ",\n".join(
    json.dumps(section.__name__) + ": [\n" + ",\n".join(json.dumps(plain(case), allow_nan=False) for case in section()) + "\n]"
    for section in sections) + "\n}\n")
