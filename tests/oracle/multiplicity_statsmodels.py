"""Expected values for src/statistics/multiplicity.rs, from statsmodels.

Usage: python multiplicity_statsmodels.py > ../data/oracle/multiplicity_statsmodels.json
Needs: pip install statsmodels (written with 0.15)
"""

import json

import numpy as np
from statsmodels.stats.multitest import multipletests

NAMES = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "benjamini_hochberg": "fdr_bh",
    "benjamini_yekutieli": "fdr_by",
}

rng = np.random.default_rng(11)
families = [
    [0.04],
    [0.01, 0.04, 0.03, 0.005],
    [0.5, 0.5, 0.5],
    [0.0, 1.0, 1e-300, 0.2, 0.2],
    [float(p) for p in rng.random(30) ** 3],
]
cases = [
    {"correction": ours, "p": family, "adjusted": [float(p) for p in multipletests(family, method=theirs)[1]]}
    for family in families
    for ours, theirs in NAMES.items()
]
print('{"adjusted": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]}")
