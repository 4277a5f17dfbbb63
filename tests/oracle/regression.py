"""Expected values for src/statistics/regression, from statsmodels and exact fractions.

Usage: python regression.py FLIGHTS.csv.gz WEATHER.csv.gz > ../data/oracle/regression.json
Needs: pip install statsmodels pandas (written with statsmodels 0.15, NumPy 2, pandas 2.3)
"""

import json
import math
import sys
from fractions import Fraction

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor
from statsmodels.stats.stattools import durbin_watson, jarque_bera

flights = pd.read_csv(sys.argv[1])
weather = pd.read_csv(sys.argv[2])


def plain(values):
    return [float(v) for v in np.asarray(values, float)]


def matrix(numbers, codes, intercept):
    """The model's matrix: intercept, numbers, a column for each level but the first."""
    n = len(numbers[0])
    columns = ([np.ones(n)] if intercept else []) + [np.asarray(c, float) for c in numbers]
    if codes is not None:
        columns += [(codes == level).astype(float) for level in range(1, codes.max() + 1)]
    return np.column_stack(columns)


def inputs(numbers, codes, intercept, target):
    return {
        "numbers": [plain(c) for c in numbers], "codes": [] if codes is None else [int(c) for c in codes],
        "intercept": intercept, "target": plain(target),
    }


def whitened(X, y, weights):
    """Least squares of rows times the roots of their weights: what robust errors and influence of weighted rows are made of."""
    root = np.sqrt(weights)
    return sm.OLS(root * y, root[:, None] * X).fit(method="qr")


def linear_models():
    f = flights.sample(240, random_state=11).dropna(subset=["arr_delay", "dep_delay"])
    kept = f[f.carrier.isin(["UA", "B6", "EV", "DL", "AA"])]
    codes = pd.factorize(kept.carrier, sort=True)[0]
    yield "flights: arrival delay by departure delay, distance and carrier", [kept.dep_delay, kept.distance], codes, True, kept.arr_delay, pd.factorize(kept.origin + kept.month.astype(str))[0]
    w = weather.sample(160, random_state=12).dropna(subset=["temp", "dewp", "humid", "pressure"])
    yield "weather: temperature by dew point, humidity and pressure", [w.dewp, w.humid, w.pressure], None, True, w.temp, (w.month - 1).to_numpy()
    yield "weather without an intercept", [w.dewp, w.humid], None, False, w.temp, (w.month - 1).to_numpy()
    w = weather.dropna(subset=["temp", "dewp", "humid", "wind_speed"])
    w = w[w.wind_speed < 200].groupby(["origin", "month", "day"]).agg(temp=("temp", "mean"), dewp=("dewp", "mean"), wind=("wind_speed", "mean"), n=("temp", "size")).reset_index()
    w = w.assign(n=w.n / (1 + w.day % 5)).sample(150, random_state=13)
    yield "weather: mean temperature of days by dew point, wind and airport, weighted by hours", [w.dewp, w.wind], pd.factorize(w.origin, sort=True)[0], True, w.temp, (w.month - 1).to_numpy(), w.n.to_numpy()
    yield "weather: the same without an intercept", [w.dewp, w.wind], None, False, w.temp, (w.month - 1).to_numpy(), w.n.to_numpy()
    l = sm.datasets.longley.load_pandas()
    yield "Longley", [l.exog[c] for c in l.exog], None, True, l.endog, np.arange(len(l.endog)) // 4


def linear():
    for name, numbers, codes, intercept, target, clusters, *weighted in linear_models():
        X, y = matrix(numbers, codes, intercept), np.asarray(target, float)
        weights = np.asarray(weighted[0], float) if weighted else np.ones(len(y))
        # QR keeps more digits than the pseudoinverse, which matters for Longley's data.
        model = sm.WLS(y, X, weights=weights, hasconst=intercept) if weighted else sm.OLS(y, X, hasconst=intercept)
        fit = model.fit(method="qr")
        as_ols = whitened(X, y, weights)
        assert np.allclose(as_ols.bse, fit.bse, rtol=1e-7)
        influence = OLSInfluence(as_ols)
        cook = influence.cooks_distance[0]
        top = np.argsort(-cook)[:5]
        robust = {kind: plain(as_ols.get_robustcov_results(kind).bse) for kind in ["HC0", "HC1", "HC2", "HC3"]}
        case = {
            "name": name, **inputs(numbers, codes, intercept, y), "clusters": [int(c) for c in clusters],
            "coefficients": plain(fit.params), "errors": plain(fit.bse), "t": plain(fit.tvalues), "p": plain(fit.pvalues),
            "low": plain(fit.conf_int()[:, 0]), "high": plain(fit.conf_int()[:, 1]), **robust,
            "clustered": plain(fit.get_robustcov_results("cluster", groups=clusters).bse),
            "r_squared": fit.rsquared, "adjusted": fit.rsquared_adj, "f": fit.fvalue, "f_p": fit.f_pvalue,
            "log_likelihood": fit.llf, "aic": fit.aic, "bic": fit.bic, "durbin_watson": durbin_watson(fit.wresid), "jarque_bera": jarque_bera(fit.wresid)[0],
            "condition": np.linalg.cond(X / np.sqrt((X**2).sum(0))), "top": [int(i) for i in top], "cook": plain(cook[top]),
            "leverage": plain(influence.hat_matrix_diag[top]), "studentized": plain(influence.resid_studentized_external[top]),
        }
        if weighted:
            case["weights"] = plain(weights)
        if intercept and weighted:
            others = lambda j: sm.WLS(X[:, j], np.delete(X, j, axis=1), weights=weights).fit().rsquared
            spread = lambda v: math.sqrt(np.average((v - np.average(v, weights=weights)) ** 2, weights=weights))
            case["vif"] = [1 / (1 - others(j)) for j in range(1, X.shape[1])]
            case["standardized"] = [float(fit.params[j] * spread(X[:, j]) / spread(y)) for j in range(1, X.shape[1])]
        elif intercept:
            case["vif"] = [float(variance_inflation_factor(X, j)) for j in range(1, X.shape[1])]
            case["breusch_pagan"], case["breusch_pagan_p"] = map(float, het_breuschpagan(fit.resid, X)[:2])
            case["standardized"] = plain(fit.params[1:] * X[:, 1:].std(0) / y.std())
        yield case


def solve(A, b):
    """Gauss and Jordan with fractions."""
    n = len(b)
    rows = [list(A[i]) + [b[i]] for i in range(n)]
    for i in range(n):
        pivot = next(r for r in range(i, n) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(n):
            if r != i and rows[r][i] != 0:
                rows[r] = [a - rows[r][i] * c for a, c in zip(rows[r], rows[i])]
    return [row[n] for row in rows]


def exact():
    """Polynomials, whose columns are nearly collinear, solved with fractions: no float is good enough to be the judge."""
    rng = np.random.default_rng(3)
    for degree in (5, 8, 10):
        x = np.arange(21)
        y = rng.integers(-1000, 1000, 21) + x**2
        columns = [[Fraction(int(v)) ** power for v in x] for power in range(degree + 1)]
        target = [Fraction(int(v)) for v in y]
        dot = lambda a, b: sum(p * q for p, q in zip(a, b))
        solution = solve([[dot(a, b) for b in columns] for a in columns], [dot(a, target) for a in columns])
        residuals = [t - sum(s * c[i] for s, c in zip(solution, columns)) for i, t in enumerate(target)]
        yield {
            "name": f"a polynomial of degree {degree}", "x": plain(x), "y": plain(y), "coefficients": [float(s) for s in solution],
            "residual_squares": float(sum(r * r for r in residuals)),
        }


def generalized_models():
    f = flights.sample(400, random_state=21).dropna(subset=["arr_delay", "dep_delay"])
    codes = pd.factorize(f.origin, sort=True)[0]
    yield "logistic", "flights: late arrivals by departure time, distance and origin", [f.dep_time / 100, f.distance], codes, (f.arr_delay > 15).astype(float), None, pd.factorize(f.carrier)[0]
    w = weather.merge(flights.groupby(["origin", "time_hour"]).agg(n=("flight", "size"), late=("dep_delay", lambda d: int((d > 30).sum()))).reset_index(), on=["origin", "time_hour"])
    w = w.dropna(subset=["temp", "wind_speed", "visib"]).sample(300, random_state=22)
    codes = pd.factorize(w.origin, sort=True)[0]
    yield "poisson", "weather: flights of an hour by temperature, wind and origin", [w.temp, w.wind_speed], codes, w.n, None, (w.month - 1).to_numpy()
    r = weather.dropna(subset=["temp", "humid", "precip", "pressure"]).sample(300, random_state=23)
    late = pd.factorize(r.origin, sort=True)[0]
    yield "logistic", "weather: rain by humidity, pressure and airport, beside an offset, weighted", [r.humid, r.pressure], late, (r.precip > 0).astype(float), None, (r.month - 1).to_numpy(), {"offset": (r.temp / 100).round(3), "weights": 0.5 + (r.day % 4) / 2}
    yield "poisson", "weather: flights of an hour by temperature, beside an offset, weighted", [w.temp], None, w.n, None, (w.month - 1).to_numpy(), {"offset": (w.wind_speed / 50).round(3), "weights": 1 + (w.day % 3)}
    yield "poisson", "weather: late flights of an hour by visibility, by number of flights", [w.visib, w.precip], None, w.late, w.n, (w.month - 1).to_numpy()


def generalized():
    for family, name, numbers, codes, target, exposure, clusters, *more in generalized_models():
        X, y = matrix(numbers, codes, True), np.asarray(target, float)
        law = sm.families.Binomial() if family == "logistic" else sm.families.Poisson()
        beside = {name: np.asarray(values, float) for name, values in (more[0] if more else {}).items()}
        weights = beside.get("weights", np.ones(len(y)))
        given = {"exposure": None if exposure is None else np.asarray(exposure, float), "offset": beside.get("offset"), "var_weights": beside.get("weights")}
        model = sm.GLM(y, X, family=law, **given)
        options = {"tol": 1e-15, "tol_criterion": "params", "maxiter": 200}
        fit = model.fit(**options)
        null = sm.GLM(y, np.ones(len(y)), family=law, **given).fit(**options)
        # The last weighted least squares: its robust errors are those of the model (Zeileis 2006). GLM takes HC1 to HC3 for HC0.
        mean = fit.fittedvalues
        slope = mean * (1 - mean) if family == "logistic" else mean
        last = whitened(X, X @ fit.params + (y - mean) / slope, weights * slope)
        assert np.allclose(last.params, fit.params, rtol=1e-9)
        leverage = OLSInfluence(last).hat_matrix_diag
        cook = last.resid**2 * leverage / (1 - leverage) ** 2 / X.shape[1]
        if not more:
            influence = fit.get_influence(observed=False)
            assert np.allclose(cook, influence.cooks_distance[0]) and np.allclose(leverage, influence.hat_matrix_diag)
        top = np.argsort(-cook)[:5]
        robust = {kind: plain(last.get_robustcov_results(kind).bse) for kind in ["HC1", "HC2", "HC3"]}
        assert np.allclose(model.fit(cov_type="HC0", **options).bse, last.get_robustcov_results("HC0").bse, rtol=1e-9)
        assert np.allclose(model.fit(cov_type="cluster", cov_kwds={"groups": clusters}, **options).bse, last.get_robustcov_results("cluster", groups=clusters).bse, rtol=1e-9)
        yield {
            "name": name, "family": family, **inputs(numbers, codes, True, y), "exposure": [] if exposure is None else plain(exposure),
            "clusters": [int(c) for c in clusters], "coefficients": plain(fit.params), "errors": plain(fit.bse), "z": plain(fit.tvalues), "p": plain(fit.pvalues),
            "HC0": plain(model.fit(cov_type="HC0", **options).bse), **robust, **{name: plain(values) for name, values in beside.items()},
            "clustered": plain(model.fit(cov_type="cluster", cov_kwds={"groups": clusters}, **options).bse),
            "log_likelihood": fit.llf, "null_log_likelihood": null.llf, "deviance": fit.deviance, "pearson": fit.pearson_chi2, "aic": fit.aic, "bic": fit.bic_llf,
            "top": [int(i) for i in top], "cook": plain(cook[top]), "leverage": plain(leverage[top]),
        }


json.dump({"linear": list(linear()), "exact": list(exact()), "generalized": list(generalized())}, sys.stdout, separators=(",", ":"))
