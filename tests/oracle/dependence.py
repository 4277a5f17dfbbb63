"""Expected values for src/statistics/correlation and src/statistics/association: SciPy, scikit-learn, dcor, pingouin and exact formulas.

Usage: python dependence.py FLIGHTS.csv.gz WEATHER.csv.gz > ../data/oracle/dependence.json
Needs: pip install scipy scikit-learn dcor pandas (written with SciPy 1.17, scikit-learn 1.9, dcor 0.7, pandas 2.3)
"""

import json
import math
import sys

import dcor
import numpy as np
import pandas as pd
from scipy import optimize, stats
from sklearn.metrics import mutual_info_score

flights = pd.read_csv(sys.argv[1])
weather = pd.read_csv(sys.argv[2])
rng = np.random.default_rng(5)


def plain(values):
    return [None if pd.isna(v) else float(v) for v in values]


def numbers():
    f = flights.sample(120, random_state=1)
    w = weather.sample(100, random_state=2)
    yield "flights: departure and arrival delay, many ties", f.dep_delay, f.arr_delay
    yield "flights: distance and air time", f.distance, f.air_time
    yield "weather: temperature and dew point", w.temp, w.dewp
    yield "weather: wind direction and speed", w.wind_dir, w.wind_speed
    yield "weather: humidity and sight, many ties", w.humid, w.visib
    yield "a parabola", *(lambda x: (x, np.round(x * x + 0.1 * rng.normal(size=60), 4)))(np.round(rng.normal(size=60), 4))
    yield "independent, far from zero", np.round(1e6 + rng.random(50), 4), np.round(rng.random(50), 4)
    yield "twelve without ties", np.round(rng.normal(size=12), 4), np.round(rng.normal(size=12), 4)
    yield "thirty-three without ties", *(lambda x: (x, np.round(x + 3 * rng.normal(size=33), 4)))(np.round(rng.normal(size=33), 4))
    yield "thirty-four without ties", *(lambda x: (x, np.round(x + 3 * rng.normal(size=34), 4)))(np.round(rng.normal(size=34), 4))
    yield "forty in one order but one", np.arange(40.0), np.r_[1.0, 0.0, np.arange(2.0, 40.0)]
    yield "fifty in one order", np.arange(50.0), np.arange(50.0) ** 2


def jackknife(x, y):
    n = len(x)
    out = np.array([dcor.u_distance_correlation_sqr(np.delete(x, i), np.delete(y, i), method="naive") for i in range(n)])
    return math.sqrt((n - 1) / n * ((out - out.mean()) ** 2).sum())


def around(coefficient, variance):
    """The interval of a coefficient that is normal with that variance on the scale of Fisher's z."""
    if abs(coefficient) == 1:
        return [coefficient, coefficient]
    half = stats.norm.isf(0.025) * math.sqrt(variance)
    return [math.tanh(math.atanh(coefficient) - half), math.tanh(math.atanh(coefficient) + half)]


def pairs():
    for name, x, y in numbers():
        table = pd.DataFrame({"x": np.asarray(x, float), "y": np.asarray(y, float)})
        x, y = table.dropna().to_numpy().T
        tau = stats.kendalltau(x, y)
        r, rho, n = stats.pearsonr(x, y), stats.spearmanr(x, y), len(x)
        linear = {
            # Bonett and Wright 2000; Fieller, Hartley and Pearson 1957.
            "pearson": [r.statistic, r.pvalue, *r.confidence_interval(0.95)],
            "spearman": [rho.statistic, rho.pvalue, *around(rho.statistic, (1 + rho.statistic**2 / 2) / (n - 3))],
            "tau_interval": around(tau.statistic, 0.437 / (n - 4)),
        }
        # dcor loses digits of numbers far from zero; distances do not change by this.
        x, y = x - x[0], y - y[0]
        test = dcor.independence.distance_correlation_t_test(x, y)
        square = dcor.u_distance_correlation_sqr(x, y, method="naive")
        yield {
            "name": name, "x": plain(table.x), "y": plain(table.y), "count": len(x),
            "tau": tau.statistic, "tau_p": tau.pvalue, **linear,
            "distance": dcor.distance_correlation(x, y, method="naive"), "distance_corrected_square": square,
            "distance_t": test.statistic if math.isfinite(test.statistic) else str(float(test.statistic)), "distance_t_p": test.pvalue, "distance_p": stats.chi2.sf(len(x) * square + 1, 1),
            "distance_error": jackknife(x, y),
        }


def bergsma(table):
    chi2, _, df, _ = stats.chi2_contingency(table, correction=False)
    n, (r, k) = table.sum(), table.shape
    phi = max(0.0, chi2 / n - (r - 1) * (k - 1) / (n - 1))
    return math.sqrt(phi / min(k - (k - 1) ** 2 / (n - 1) - 1, r - (r - 1) ** 2 / (n - 1) - 1))


def ends(below, level, top):
    """The noncentralities at which a statistic is at the ends of what is to be expected."""
    def end(p):
        return 0.0 if below(1e-12) <= p else optimize.brentq(lambda nc: below(nc) - p, 1e-12, top, xtol=1e-13, rtol=1e-14)
    return end((1 + level) / 2), end((1 - level) / 2)


def categories():
    f = flights.sample(300, random_state=3)
    rare = flights.sample(150, random_state=4)
    yield "flights: carrier and origin", f.carrier, f.origin
    yield "flights: origin and destination, sparse", rare.origin, rare.dest
    yield "flights: month and origin, nearly independent", f.month.astype(str), f.origin
    yield "flights of the year: carrier and origin", flights.carrier, flights.origin
    w = weather.sample(300, random_state=7).dropna(subset=["wind_dir", "precip", "visib"])
    yield "weather: month and direction of the wind", w.month, (w.wind_dir // 90).astype(int)
    yield "weather: airport and rain, nothing", w.origin, w.precip > 0
    yield "weather: rain and sight", w.precip > 0, w.visib < 10
    yield "two by two", pd.Series(list("aabbabbbab")), pd.Series(list("xxyyxyyxxy"))


def tables():
    for name, a, b in categories():
        table = pd.crosstab(a, b)
        counts = table.to_numpy()
        chi2, p, df, _ = stats.chi2_contingency(counts, correction=False)
        n, m = counts.sum(), min(counts.shape) - 1
        low, high = ends(lambda nc: stats.ncx2.cdf(chi2, df, nc), 0.95, 4 * chi2 + 100)
        g, g_p, _, _ = stats.chi2_contingency(counts, correction=False, lambda_="log-likelihood")
        row, column = np.repeat(np.arange(counts.shape[0]), counts.shape[1]), np.tile(np.arange(counts.shape[1]), counts.shape[0])
        p_ij = counts.ravel() / n
        kept = p_ij > 0
        logs = np.log(p_ij[kept] / (counts.sum(1)[row] / n * counts.sum(0)[column] / n)[kept])
        information = mutual_info_score(None, None, contingency=counts)
        yield {
            "name": name, "rows": row.tolist(), "columns": column.tolist(), "counts": counts.ravel().tolist(),
            "chi_squared": chi2, "p": p, "v": stats.contingency.association(counts, method="cramer"), "v_corrected": bergsma(counts),
            "low": math.sqrt(low / n / m), "high": min(1.0, math.sqrt(high / n / m)),
            "information": information, "information_p": g_p, "variance": ((p_ij[kept] * logs**2).sum() - information**2) / n,
        }


def groups():
    f = flights.sample(200, random_state=5).dropna(subset=["arr_delay"])
    w = weather.sample(150, random_state=6).dropna(subset=["temp"])
    yield "flights: carrier and delay", f.carrier, f.arr_delay
    yield "flights: destination and delay, many categories", f.dest, f.arr_delay
    yield "weather: month and temperature", w.month, w.temp
    yield "weather: origin and temperature, nothing", w.origin, w.temp


def ratios():
    for name, category, value in groups():
        codes, _ = pd.factorize(category, sort=True)
        table = pd.DataFrame({"c": codes, "v": np.asarray(value, float)})
        parts = [part.v.to_numpy() for _, part in table.groupby("c")]
        n, k = len(table), len(parts)
        f, p = stats.f_oneway(*parts)
        between = sum(len(part) * (part.mean() - table.v.mean()) ** 2 for part in parts)
        square = between / ((table.v - table.v.mean()) ** 2).sum()
        low, high = ends(lambda nc: stats.ncf.cdf(f, k - 1, n - k, nc), 0.95, 4 * f * k + 100)
        yield {
            "name": name, "codes": codes.tolist(), "values": plain(table.v), "square": square, "f": f, "p": p,
            "corrected": math.sqrt(max(0.0, 1 - (1 - square) * (n - 1) / (n - k))),
            "low": math.sqrt(low / (low + n)), "high": math.sqrt(high / (high + n)),
        }


json.dump({"pairs": list(pairs()), "tables": list(tables()), "ratios": list(ratios())}, sys.stdout, separators=(",", ":"))
