"""Expected values for tests/it/hypotheses.rs: tests on all flights, from SciPy, statsmodels and pingouin.

Usage: python hypothesis_flights.py > ../data/oracle/hypothesis_flights.json
Needs: pip install scipy statsmodels pandas (written with SciPy 1.17, statsmodels 0.15)
"""

import json
from pathlib import Path

import pandas as pd
from scipy import stats
from statsmodels.stats import oneway, proportion

table = pd.read_csv(Path(__file__).parent.parent.parent / "sample-data/flights/flights.csv.gz", float_precision="round_trip")
delays = table.dropna(subset=["arr_delay"])
groups = [rows["arr_delay"].to_numpy() for _, rows in delays.groupby("origin")]
welch = oneway.anova_oneway(groups, use_var="unequal", welch_correction=True)
kruskal = stats.kruskal(*groups)
both = table.dropna(subset=["arr_delay", "dep_delay"])
paired = stats.ttest_rel(both["dep_delay"], both["arr_delay"])
low, high = paired.confidence_interval(0.95)
wilcoxon_kept = (both["dep_delay"] - both["arr_delay"]).loc[lambda d: d != 0]
wilcoxon = stats.wilcoxon(wilcoxon_kept, correction=True, method="asymptotic")
ranks = stats.rankdata(wilcoxon_kept.abs())
two = [rows["arr_delay"].to_numpy() for name, rows in delays.groupby("origin") if name in ("EWR", "JFK")]
u = stats.mannwhitneyu(*two, method="asymptotic")
ks = stats.ks_2samp(*two)
chi = stats.chi2_contingency(pd.crosstab(table["origin"], table["carrier"]), correction=False)
late = [(int((rows > 15).sum()), len(rows)) for rows in two]
z, z_p = proportion.proportions_ztest([late[0][0], late[1][0]], [late[0][1], late[1][1]])
print(json.dumps({
    "welch_anova": [welch.statistic, welch.df[1], welch.pvalue],
    "kruskal_wallis": list(kruskal),
    "paired": [paired.statistic, float(paired.df), paired.pvalue, low, high],
    "wilcoxon": [float(ranks[(wilcoxon_kept > 0).to_numpy()].sum()), wilcoxon.pvalue],
    "mann_whitney": list(u),
    "ks": [ks.statistic],
    "chi_square": [chi.statistic, float(chi.dof), chi.pvalue],
    "late": [z, z_p],
}, default=float))
