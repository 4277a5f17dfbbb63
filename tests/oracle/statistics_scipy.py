"""Expected values for src/statistics, from SciPy, NumPy and pandas.

Usage: python statistics_scipy.py > ../data/oracle/statistics_scipy.json
Needs: pip install scipy pandas (written with SciPy 1.17, NumPy 2.4, pandas 3.1)
"""

import json
import math
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy import special, stats

rng = np.random.default_rng(20)


def rounded(values, digits=4):
    return [round(float(v), digits) for v in values]


def samples():
    yield "normal", rounded(rng.normal(10, 3, 60))
    yield "lognormal", rounded(rng.lognormal(0, 1, 75))
    yield "uniform far from zero", rounded(1e6 + rng.random(50))
    yield "small integers", [float(v) for v in rng.poisson(3, 80)]
    yield "four values", [1.0, 2.0, 4.0, 8.5]
    yield "two clusters", rounded(np.concatenate([rng.normal(-5, 1, 20), rng.normal(5, 1, 30)]))


def moments():
    """SciPy and pandas round on the way; so the values are those of exact fractions, which must agree with both."""
    for name, values in samples():
        exact = [Fraction(v) for v in values]
        n = len(exact)
        mean = sum(exact) / n
        m2, m3, m4 = (sum((v - mean) ** power for v in exact) / n for power in (2, 3, 4))
        sd = math.sqrt(m2)
        skewness = math.sqrt(n * (n - 1)) / (n - 2) * float(m3) / sd**3
        kurtosis = float((n - 1) * ((n + 1) * (m4 / m2**2 - 3) + 6) / ((n - 2) * (n - 3)))
        variance = float(m2 * n / (n - 1))
        s = pd.Series(values)
        for ours, theirs in [
            (float(mean), s.mean()), (variance, s.var()), (variance, np.var(values, ddof=1)),
            (skewness, s.skew()), (skewness, stats.skew(values, bias=False)),
            (kurtosis, s.kurt()), (kurtosis, stats.kurtosis(values, bias=False)),
        ]:
            assert math.isclose(ours, theirs, rel_tol=1e-6), (name, ours, theirs)
        yield {
            "name": name, "values": values, "sum": float(sum(exact)), "mean": float(mean), "variance": variance,
            "sd": math.sqrt(variance), "skewness": skewness, "kurtosis": kurtosis, "min": min(values), "max": max(values),
        }


def quantiles():
    p = [0.0, 0.01, 0.05, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.999, 1.0]
    for name, values in samples():
        yield {"name": name, "values": values, "probabilities": p, "quantiles": [float(v) for v in np.quantile(values, p)]}
    yield {"name": "one value", "values": [7.0], "probabilities": p, "quantiles": [7.0] * len(p)}


def histogram():
    def case(name, values, scale):
        given = np.array(values, dtype="int64" if scale == "integer" else "float64")
        bins = {rule: len(np.histogram_bin_edges(given, rule)) - 1 for rule in ("auto", "sturges", "fd")}
        return {"name": name, "scale": scale, "values": values, **bins}

    for name, values in samples():
        yield case(name, values, "integer" if name == "small integers" else "real")
    yield case("mostly one value", [0.0] * 40 + rounded(rng.random(8), 2), "real")
    yield case("constant", [3.0, 3.0, 3.0], "real")
    yield case("wide integers", [float(v) for v in rng.integers(0, 5000, 90)], "integer")
    yield case("heavy tail", rounded(rng.pareto(1.2, 120), 3), "real")


def correlation():
    def case(name, x, y):
        both = [(a, b) for a, b in zip(x, y) if not (math.isnan(a) or math.isnan(b))]
        a, b = zip(*both)
        pearson = stats.pearsonr(a, b)
        spearman = stats.spearmanr(a, b)
        interval = pearson.confidence_interval(0.9)
        null = lambda values: [None if math.isnan(v) else v for v in values]
        return {
            "name": name, "x": null(x), "y": null(y), "count": len(both),
            "pearson": float(pearson.statistic), "pearson_p": float(pearson.pvalue),
            "low": float(interval.low), "high": float(interval.high),
            "spearman": float(spearman.statistic), "spearman_p": float(spearman.pvalue),
        }

    x = rng.normal(0, 1, 50)
    yield case("strong", rounded(x), rounded(2 * x + rng.normal(0, 0.5, 50)))
    yield case("weak", rounded(x), rounded(0.2 * x + rng.normal(0, 1, 50)))
    yield case("negative, with ties", [float(v) for v in rng.poisson(4, 60)], [float(v) for v in -rng.poisson(4, 60)])
    yield case("large means", rounded(1e5 + x), rounded(1e4 - x + rng.normal(0, 1, 50)))
    curve = rng.random(40) * 3
    yield case("monotone but not linear", rounded(curve), rounded(np.exp(curve * 2) + rng.normal(0, 1, 40)))
    holes = rounded(x)
    for i in (3, 17, 18, 40):
        holes[i] = math.nan
    other = rounded(x + rng.normal(0, 1, 50))
    other[3] = other[25] = math.nan
    yield case("with gaps", holes, other)
    yield case("five pairs", [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 6.0])


def functions():
    tiny, small = 1e-8, 1e-3
    for x in [tiny, small, 0.1, 0.49, 0.5, 0.75, 1 - 1e-6, 1 + 1e-6, 1.3, 1.5, 1.9, 2 - 1e-7, 2 + 1e-7, 2.4, 2.6, 3, 5.5, 9.99, 10, 33.3, 171.6, 1e4, 1e8, 1e15]:
        yield "ln_gamma", [x], special.loggamma(complex(x)).real  # the real one loses digits near its zeros at 1 and 2
    for a, b in [(0.5, 0.5), (1, 1), (2, 3), (0.1, 7), (5, 0.5), (30, 40), (1e3, 0.5), (1e4, 2e4), (5e5, 0.5), (5e6, 0.5)]:
        mean = a / (a + b)
        sd = math.sqrt(mean * (1 - mean) / (a + b + 1))
        for x in [tiny, 0.01, mean - 4 * sd, mean - sd, mean, mean + sd, mean + 2 * sd, 0.99]:
            if 0 < x < 1 and special.betainc(a, b, x) > 1e-300:
                yield "regularized_beta", [a, b, x], special.betainc(a, b, x)
    for degrees in [1, 2, 3, 10, 30, 100, 1e4, 1e6]:
        for t in [1e-3, 0.5, 1, 2.228, -3, 5, 9, 20, 36]:
            p = 2 * special.stdtr(degrees, -abs(t))
            if p > 1e-280:
                yield "student_t_two_sided", [t, degrees], p
    for x in [-5, -1, -1e-3, 0, 1e-9, 0.1, 0.5, 1, 1.5, 1.99, 2, 2.01, 3, 5, 10, 20, 26]:
        yield "erfc", [x], special.erfc(x)
    for x in [-37, -30, -10, -5, -3, -1.96, -1, -0.1, 0, 0.1, 1, 2, 3, 6]:
        yield "normal_cdf", [x], special.ndtr(x)
    for p in [1e-300, 1e-100, 1e-20, 1e-10, 1e-5, 0.001, 0.025, 0.1, 0.3, 0.45, 0.5, 0.6, 0.9, 0.975, 0.999, 1 - 1e-9]:
        yield "normal_quantile", [p], special.ndtri(p)


def special_functions():
    for function, arguments, value in functions():
        # As text, which readers of JSON do not round.
        yield {"function": function, "arguments": [repr(float(a)) for a in arguments], "value": repr(float(value))}


def exactly(total, marked, drawn, observed):
    """The tail in exact integers."""
    ways = sum(math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(observed, min(marked, drawn) + 1))
    whole = math.comb(total, drawn)
    shift = max(0, whole.bit_length() - ways.bit_length() - 10)
    return (ways << shift) / whole / 2.0**shift if shift < 1000 else 0.0


def hypergeometric():
    tables = [(8, 4, 4, 4), (8, 4, 4, 2), (20, 7, 12, 5), (20, 7, 12, 0), (10, 10, 4, 4), (100, 30, 40, 20), (100, 30, 40, 8),
              (1000, 300, 200, 90), (1000, 300, 200, 60), (1000, 300, 200, 30), (5000, 2500, 2500, 1300), (5000, 40, 60, 9),
              (9835, 2513, 1903, 736), (9835, 1809, 1072, 330), (30000, 3000, 2000, 450), (12, 5, 9, 3)]
    for total, marked, drawn, observed in tables:
        value = exactly(total, marked, drawn, observed)
        table = [[observed, marked - observed], [drawn - observed, total - marked - drawn + observed]]
        if min(min(row) for row in table) >= 0 and value > 1e-200:
            assert math.isclose(value, stats.fisher_exact(table, "greater").pvalue, rel_tol=1e-6), (table, value)
        yield {"total": total, "marked": marked, "drawn": drawn, "observed": observed, "p": value}


def stability():
    """Jeffreys' divergence: the relative entropies both ways. No share is below the least that ours has."""
    for name, before, now in [
        ("unchanged", [50, 30, 20], [100, 60, 40]),
        ("a little", [50, 30, 20], [47, 33, 20]),
        ("a lot", [500, 300, 200], [100, 200, 700]),
        ("many", list(range(1, 40)), list(range(40, 1, -1))),
    ]:
        p, q = np.array(before) / sum(before), np.array(now) / sum(now)
        index = float(stats.entropy(p, q) + stats.entropy(q, p))
        yield {"name": name, "before": before, "now": now, "index": index}


sections = {
    "moments": moments(), "quantiles": quantiles(), "histogram": histogram(), "correlation": correlation(),
    "special": special_functions(), "hypergeometric": hypergeometric(),
    "stability": stability(),
}
print("{\n" + ",\n".join(
    json.dumps(name) + ": [\n" + ",\n".join(json.dumps(case, allow_nan=False) for case in cases) + "\n]"
    for name, cases in sections.items()) + "\n}")
