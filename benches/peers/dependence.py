#!/usr/bin/env python3
"""What SciPy and statsmodels take for the work of dependence.py.

usage: dependence.py kendall PAIRS.parquet | ols FLIGHTS.csv.gz
"""

import sys

import pandas as pd

what, source = sys.argv[1:]
if what == "kendall":
    from scipy import stats

    pairs = pd.read_parquet(source)
    found = stats.kendalltau(pairs.x, pairs.y)
    print(repr(float(found.statistic)), repr(float(found.pvalue)))
else:
    import statsmodels.formula.api as smf

    flights = pd.read_csv(source, usecols=["arr_delay", "dep_delay", "distance", "carrier"]).dropna()
    fit = smf.ols("arr_delay ~ dep_delay + distance + C(carrier, Treatment('UA'))", flights).fit(cov_type="HC1")
    print(repr(float(fit.params["dep_delay"])), repr(float(fit.bse["dep_delay"])))
