"""Expected values for src/statistics/hypothesis, from SciPy, statsmodels, pingouin and scikit-posthocs, on flights, weather and made-up rows.

Usage: python hypothesis_scipy.py > ../data/oracle/hypothesis_scipy.json
Needs: pip install scipy statsmodels pingouin scikit-posthocs pandas (written with SciPy 1.17, statsmodels 0.15, pingouin 0.7, scikit-posthocs 0.17)
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import scikit_posthocs
from scipy import integrate, optimize, special, stats
from scipy.stats import contingency
from statsmodels.stats import contingency_tables, diagnostic, oneway, power, proportion, weightstats

warnings.filterwarnings("ignore")
DATA = Path(__file__).parent.parent.parent / "sample-data/flights"
SIDES = {"two_sided": "two-sided", "less": "less", "greater": "greater"}
SM = {"two_sided": "two-sided", "less": "smaller", "greater": "larger"}


def flights():
    table = pd.read_csv(DATA / "flights.csv.gz").dropna(subset=["arr_delay", "dep_delay", "air_time"])
    return table.sample(240, random_state=5)


def weather():
    table = pd.read_csv(DATA / "weather.csv.gz").dropna(subset=["temp", "dewp", "humid", "wind_speed", "visib", "precip"])
    return table[table.wind_speed < 200].sample(260, random_state=8)


TABLE = flights()
WEATHER = weather()
SEASON = np.where(WEATHER.month.isin([6, 7, 8]), "summer", np.where(WEATHER.month.isin([12, 1, 2]), "winter", "other"))
BY_ORIGIN = {name: [float(v) for v in rows["arr_delay"]] for name, rows in TABLE.groupby("origin")}
rng = np.random.default_rng(3)


def samples():
    groups = list(BY_ORIGIN.values())
    yield "arr_delay EWR, JFK", groups[0], groups[1]
    yield "air_time EWR, LGA", *([float(v) for v in TABLE[TABLE.origin == o]["air_time"]] for o in ("EWR", "LGA"))
    yield "weather: dew point of summer and winter", *([float(v) for v in WEATHER[SEASON == s]["dewp"]] for s in ("summer", "winter"))
    yield "weather: wind of EWR and JFK", *([float(v) for v in WEATHER[WEATHER.origin == o]["wind_speed"]] for o in ("EWR", "JFK"))
    yield "small without ties", [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3], [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.065, 3.14, 1.29001]
    yield "thirty", [round(float(v), 4) for v in rng.normal(10, 2, 31)], [round(float(v), 4) for v in rng.normal(11.2, 5, 24)]


def pair(low, high):
    return [None if not np.isfinite(low) else float(low), None if not np.isfinite(high) else float(high)]


def ends(below, confidence, low, high):
    """The noncentralities under which the statistic is just not too large or too small; `below` is its distribution function there."""
    def end(p):
        if below(low) <= p:
            return low
        return optimize.brentq(lambda nc: below(nc) - p, low, high, xtol=1e-14, rtol=1e-14)
    return end((1 + confidence) / 2), end((1 - confidence) / 2)


def of_t(t, df, confidence):
    # SciPy's noncentral t fails at some noncentralities, so normal probabilities are integrated over the standard deviation.
    reach = 14 / np.sqrt(2 * df)
    law = stats.chi(df, scale=1 / np.sqrt(df))
    below = lambda nc: integrate.quad(lambda s: stats.norm.cdf(t * s - nc) * law.pdf(s), max(0, 1 - reach), 1 + reach, epsabs=1e-14, epsrel=1e-13, limit=200)[0]
    return ends(below, confidence, -(abs(t) * 3 + 12), abs(t) * 3 + 12)


def rank_biserial(r, variance):
    reach = stats.norm.isf(0.025) * np.sqrt(variance)
    return [np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)] if abs(r) < 1 else None


def two_samples():
    for name, a, b in samples():
        for side, theirs in SIDES.items():
            student, welch = (stats.ttest_ind(a, b, equal_var=equal, alternative=theirs) for equal in (True, False))
            exact = len(set(a + b)) == len(a + b) and max(len(a), len(b)) <= 50
            u = stats.mannwhitneyu(a, b, alternative=theirs, method="exact" if exact else "asymptotic")
            m, n = len(a), len(b)
            g, factor = pingouin_g(a, b), np.sqrt(1 / m + 1 / n) * correction(m + n - 2)
            r = 2 * u.statistic / m / n - 1
            yield {
                "name": name, "a": a, "b": b, "side": side,
                "hedges_interval": [end * factor for end in of_t(student.statistic, m + n - 2, 0.9)],
                "rank_biserial_interval": rank_biserial(r, (m + n + 1) / (3 * m * n)),
                "equivalence": [weightstats.ttost_ind(np.array(a), np.array(b), -3.0, 4.0, usevar="unequal")[0]],
                "student": [student.statistic, student.df, student.pvalue, *pair(*student.confidence_interval(0.9))],
                "welch": [welch.statistic, welch.df, welch.pvalue, *pair(*welch.confidence_interval(0.9))],
                "mann_whitney": [u.statistic, u.pvalue, 2 * u.statistic / len(a) / len(b) - 1],
                "hedges": pingouin_g(a, b),
                "kolmogorov": list(map(float, stats.ks_2samp(a, b, method="exact")[:2])),
                "levene": list(stats.levene(a, b, center="mean")), "brown_forsythe": list(stats.levene(a, b, center="median")),
            }


def pingouin_g(a, b):
    # pingouin's Hedges' g uses the approximate correction; the exact one is the definition of Hedges (1981).
    return float(pingouin.compute_effsize(a, b, eftype="cohen") * correction(len(a) + len(b) - 2))


def correction(nu):
    return float(np.exp(special.gammaln(nu / 2) - special.gammaln((nu - 1) / 2)) / np.sqrt(nu / 2))


def one_sample():
    for name, a, b in samples():
        n = min(len(a), len(b))
        differences = [round(x - y, 6) for x, y in zip(a[:n], b[:n])]
        for side, theirs in SIDES.items():
            t = stats.ttest_1samp(differences, 0.25, alternative=theirs)
            kept = [d for d in differences if d != 0]
            exact = len(kept) == n and n <= 50 and len({abs(d) for d in kept}) == n
            w = stats.wilcoxon(kept, alternative=theirs, method="exact" if exact else "asymptotic", correction=not exact)
            positive = sum(r for r, d in zip(stats.rankdata(np.abs(kept)), kept) if d > 0)
            scale = np.std(differences, ddof=1)
            ks = stats.ks_1samp(differences, stats.norm(1.5, scale).cdf)
            yield {
                "name": name, "values": differences, "side": side, "scale": float(scale),
                "t": [t.statistic, t.df, t.pvalue, *pair(*t.confidence_interval(0.99))],
                "cohen": [(np.mean(differences) - 0.25) / scale, *(end / np.sqrt(n) for end in of_t(t.statistic, n - 1, 0.99))],
                "rank_biserial": [float(pingouin.wilcoxon(kept)["RBC"].iloc[0]), rank_biserial(2 * positive / (len(kept) * (len(kept) + 1) / 2) - 1, 2 * (2 * len(kept) + 1) / (3 * len(kept) * (len(kept) + 1)))],
                "wilcoxon": [float(positive), w.pvalue],
                "kolmogorov": [ks.statistic, ks.pvalue],
                "shapiro": list(stats.shapiro(differences)),
                "anderson": list(map(float, diagnostic.normal_ad(np.array(differences)))),
                "equivalence": [float(weightstats.DescrStatsW(differences).ttost_mean(-4.0, 5.0)[0])],
            }


def groups():
    wet = WEATHER.assign(quarter=(WEATHER.month - 1) // 3)
    cases = [("arr_delay by origin", BY_ORIGIN), ("air_time by carrier", by("air_time", "carrier")), ("weather: humidity by airport", of(WEATHER, "humid", "origin")),
             ("weather: temperature by quarter", of(wet, "temp", "quarter")), ("three small", {
        "a": [2.9, 3.0, 2.5, 2.6, 3.2], "b": [3.8, 2.7, 4.0, 2.4], "c": [2.8, 3.4, 3.7, 2.2, 2.0]})]
    for name, groups in cases:
        values = [list(map(float, v)) for v in groups.values()]
        frame = pd.DataFrame([(g, v) for g, vs in enumerate(values) for v in vs], columns=["g", "v"])
        anova = stats.f_oneway(*values)
        welch = oneway.anova_oneway(values, use_var="unequal", welch_correction=True)
        h = stats.kruskal(*values)
        tukey = stats.tukey_hsd(*values)
        interval = tukey.confidence_interval(0.95)
        gh = pingouin.pairwise_gameshowell(data=frame, dv="v", between="g")
        dunn = scikit_posthocs.posthoc_dunn(values)
        ad = stats.anderson_ksamp(values, variant="midrank")
        n, k = len(frame), len(values)
        pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
        aov = pingouin.anova(data=frame, dv="v", between="g", detailed=True, effsize="n2")
        yield {
            "name": name, "groups": values, "anova": list(anova), "eta_squared": eta(values), "omega_squared": omega(values),
            "eta_interval": [nc / (nc + n) for nc in ends(lambda nc: stats.ncf.cdf(anova.statistic, k - 1, n - k, nc), 0.95, 0.0, 4 * anova.statistic * k + 100)],
            "welch": [welch.statistic, welch.df[1], welch.pvalue], "kruskal": list(h), "epsilon_squared": h.statistic / (n - 1),
            "tukey": [[tukey.pvalue[i, j], interval.low[i, j], interval.high[i, j]] for i, j in pairs] if k < 8 else [],
            "games_howell": [[row["diff"], row["T"], row["pval"]] for _, row in gh.iterrows()] if k < 8 else [],
            "dunn": [float(dunn.iloc[i, j]) for i, j in pairs],
            "anderson": [ad.statistic, ad.pvalue],
            "levene": list(stats.levene(*values, center="mean")), "brown_forsythe": list(stats.levene(*values, center="median")),
        }


def eta(values):
    everything = np.concatenate(values)
    between = sum(len(v) * (np.mean(v) - everything.mean()) ** 2 for v in values)
    return float(between / ((everything - everything.mean()) ** 2).sum())


def omega(values):
    everything, k = np.concatenate(values), len(values)
    between = sum(len(v) * (np.mean(v) - everything.mean()) ** 2 for v in values)
    total = ((everything - everything.mean()) ** 2).sum()
    error = (total - between) / (len(everything) - k)
    return float(max(0, (between - (k - 1) * error) / (total + error)))


def by(value, group):
    return of(TABLE, value, group)


def of(table, value, group):
    return {name: [float(v) for v in rows[value]] for name, rows in table.groupby(group) if len(rows) > 5}


def tables():
    late = pd.crosstab(TABLE["origin"], TABLE["arr_delay"] > 15).to_numpy().tolist()
    carriers = pd.crosstab(TABLE["carrier"], TABLE["origin"]).to_numpy().tolist()
    fog = pd.crosstab(SEASON[SEASON != "other"], WEATHER[SEASON != "other"].visib < 10).to_numpy().tolist()
    rain = pd.crosstab(WEATHER.origin, WEATHER.precip > 0).to_numpy().tolist()
    for name, table in [("weather: fog by season", fog), ("weather: rain by airport", rain), ("late by origin", late), ("carrier by origin", carriers), ("two by two", [[8, 2], [1, 5]]), ("large", [[1200, 3400], [1100, 3700]]),
                        ("with a zero", [[0, 7], [4, 6]]), ("tea", [[4, 0], [0, 4]])]:
        plain = stats.chi2_contingency(table, correction=False)
        yates = stats.chi2_contingency(table, correction=True)
        case = {
            "name": name, "counts": [float(v) for row in table for v in row], "columns": len(table[0]),
            "chi_square": [plain.statistic, plain.dof, plain.pvalue], "yates": [yates.statistic, yates.pvalue],
            "cramers_v": contingency.association(table, method="cramer"),
            "least": float(plain.expected_freq.min()),
        }
        scale = np.sum(table) * (min(np.shape(table)) - 1)
        below = lambda nc: stats.ncx2.cdf(plain.statistic, plain.dof, nc)
        case["v_interval"] = [min(1.0, np.sqrt(nc / scale)) for nc in ends(below, 0.95, 0.0, 4 * plain.statistic + 100)]
        if len(table) == 2 and len(table[0]) == 2:
            ratio = contingency.odds_ratio(table, kind="conditional")
            interval = ratio.confidence_interval(0.95)
            case["fisher"] = [stats.fisher_exact(table, alternative=s).pvalue for s in SIDES.values()]
            # The risk of the second column in the second row by that in the first.
            risks = contingency_tables.Table2x2([table[1][::-1], table[0][::-1]], shift_zeros=False)
            empty = min(map(min, table)) == 0
            case["risk_ratio"] = None if table[0][1] == 0 else [risks.riskratio, *([] if table[1][1] == 0 else risks.riskratio_confint(0.05))]
            case["woolf"] = None if empty else [risks.oddsratio, *risks.oddsratio_confint(0.05)]
            case["odds_ratio"] = [repr(float(v)) for v in (ratio.statistic, interval.low, interval.high)]
        yield case


def goodness():
    for counts, shares in [([18, 22, 30, 10], [1, 1, 1, 1]), ([44, 56], [0.3, 0.7]), ([120, 30, 50], [2, 1, 1])]:
        expected = np.array(shares) / sum(shares) * sum(counts)
        found = stats.chisquare(counts, expected)
        yield {"counts": counts, "shares": shares, "found": [found.statistic, found.pvalue]}


def proportions():
    for k, n, p in [(7, 20, 0.5), (0, 12, 0.1), (12, 12, 0.8), (317, 1000, 0.3), (3, 5000, 0.002), (51200, 100000, 0.51)]:
        for side, theirs in SIDES.items():
            found = stats.binomtest(k, n, p, alternative=theirs)
            exact, wilson = found.proportion_ci(0.95, "exact"), found.proportion_ci(0.95, "wilson")
            yield {"k": k, "n": n, "p": p, "side": side, "p_value": found.pvalue, "exact": list(exact), "wilson": list(wilson)}


def two_proportions():
    for a, b in [((45, 120), (30, 130)), ((0, 20), (5, 30)), ((900, 12000), (1100, 12500))]:
        for side in SIDES:
            z, p = proportion.proportions_ztest([a[0], b[0]], [a[1], b[1]], alternative=SM[side])
            low, high = proportion.confint_proportions_2indep(*a, *b, method="newcomb", compare="diff")
            yield {"a": a, "b": b, "side": side, "found": [z, p], "interval": [low, high], "h": proportion.proportion_effectsize(a[0] / a[1], b[0] / b[1])}


def powers():
    for side in SIDES:
        for d, n in [(0.5, 20), (0.2, 200), (0.8, 10), (-0.3, 50)]:
            yield {"design": "one", "size": d, "more": 0, "n": n, "side": side, "power": power.TTestPower().power(d, n, 0.05, alternative=SM[side])}
            yield {"design": "two", "size": d, "more": 1.5, "n": n, "side": side, "power": power.TTestIndPower().power(d, n, 0.05, ratio=1.5, alternative=SM[side])}
            yield {"design": "shares", "size": d, "more": 1.5, "n": n, "side": side, "power": power.NormalIndPower().power(d, n, 0.05, ratio=1.5, alternative=SM[side])}
    for size, n, k in [(0.25, 60, 3), (0.1, 1000, 5)]:
        yield {"design": "anova", "size": size, "more": k, "n": n, "side": "two_sided", "power": power.FTestAnovaPower().power(size, n, 0.05, k)}
        yield {"design": "chi_square", "size": size, "more": k, "n": n, "side": "two_sided", "power": power.GofChisquarePower().power(size, n, 0.05, n_bins=k + 1)}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.integer,)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


SECTIONS = [two_samples, one_sample, groups, tables, goodness, proportions, two_proportions, powers]
print(json.dumps({section.__name__: [plain(case) for case in section()] for section in SECTIONS}))
