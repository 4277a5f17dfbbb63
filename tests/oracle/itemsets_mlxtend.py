"""Expected itemsets and rules for src/mining, from mlxtend, with Fisher's exact test from SciPy.

Usage: python itemsets_mlxtend.py > ../data/oracle/itemsets_mlxtend.json
Needs: pip install mlxtend scipy (written with mlxtend 0.25, SciPy 1.17)
"""

import json
import math

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.stats import fisher_exact

rng = np.random.default_rng(11)
N_ITEMS, N_BASKETS = 24, 240

# Baskets like a grocer's: items of falling popularity, and a few groups that are bought together.
popularity = 0.35 / np.arange(1, N_ITEMS + 1) ** 0.7
groups = [rng.choice(N_ITEMS, size, replace=False) for size in (2, 3, 3, 4)]
baskets = []
for _ in range(N_BASKETS):
    basket = set(np.flatnonzero(rng.random(N_ITEMS) < popularity))
    if rng.random() < 0.5:
        basket |= {i for i in groups[rng.integers(len(groups))] if rng.random() < 0.85}
    baskets.append(sorted(int(i) for i in basket))

table = pd.DataFrame([[i in b for i in range(N_ITEMS)] for b in map(set, baskets)])
NAMES = ["antecedent support", "consequent support", "support", "confidence", "lift", "leverage", "conviction",
         "zhangs_metric", "jaccard", "kulczynski", "certainty"]


def case(min_support, min_confidence, min_lift, max_consequent):
    sets = fpgrowth(table, min_support, use_colnames=True)
    rules = association_rules(sets, metric="confidence", min_threshold=min_confidence)
    rules = rules[(rules.lift >= min_lift) & (rules.consequents.map(len) <= max_consequent)]

    def rule(r):
        n = N_BASKETS
        a, c, both = (round(r[name] * n) for name in ("antecedent support", "consequent support", "support"))
        p = fisher_exact([[both, a - both], [c - both, n - a - c + both]], "greater").pvalue
        measures = {name: None if math.isinf(r[name]) else float(r[name]) for name in NAMES}
        # mlxtend divides by 1 - P(C) below independence too; the certainty factor divides by P(C) there (as arules in R does).
        if r.confidence < r["consequent support"]:
            measures["certainty"] = float((r.confidence - r["consequent support"]) / r["consequent support"])
        return {"a": sorted(map(int, r.antecedents)), "c": sorted(map(int, r.consequents)), **measures, "p": float(p)}

    return {
        "min_support": min_support, "min_confidence": min_confidence, "min_lift": min_lift, "max_consequent": max_consequent,
        "itemsets": [{"items": sorted(map(int, s)), "count": round(v * N_BASKETS)} for s, v in zip(sets.itemsets, sets.support)],
        "rules": [rule(r) for _, r in rules.iterrows()],
    }


cases = [case(0.05, 0.6, 1.0, 1), case(0.025, 0.8, 1.3, 3), case(0.1, 0.0, 0.0, 2)]
lines = [json.dumps(b) for b in baskets]
print('{"transactions": [' + ", ".join(lines) + '],\n"cases": [\n' + ",\n".join(json.dumps(c, allow_nan=False) for c in cases) + "\n]}")
