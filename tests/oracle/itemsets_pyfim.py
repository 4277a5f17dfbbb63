"""Frequent, closed and maximal itemsets for src/mining/itemsets, from PyFIM.

Usage: python itemsets_pyfim.py > ../data/oracle/itemsets_pyfim.json
Needs: pip install pyfim numpy (written with PyFIM 6.28)

Three small sets of baskets: sparse ones made as those of the Quest generator are (Agrawal & Srikant 1994), longer ones of that kind, and
dense ones as the columns of a table give them. For each case: how many sets there are, the sum of their counts, how many there are of each
length, and a hash of all of them.
"""

import json

import fim
import numpy as np

rng = np.random.default_rng(5)


def quest(baskets, length, patterns, pattern_length, items):
    """Baskets filled with parts of patterns that share items with the pattern before."""
    known, last = [], np.array([], int)
    for _ in range(patterns):
        size = max(1, rng.poisson(pattern_length))
        kept = rng.choice(last, min(len(last), size // 2), replace=False) if len(last) else last
        last = np.unique(np.concatenate([kept, rng.integers(0, items, size - len(kept))])).astype(int)
        known.append(last)
    weights = rng.exponential(1.0, patterns)
    weights /= weights.sum()
    found = []
    for _ in range(baskets):
        size, basket = max(1, rng.poisson(length)), set()
        for _ in range(20):
            if len(basket) >= size:
                break
            pattern = known[rng.choice(patterns, p=weights)]
            basket |= set(pattern[rng.random(len(pattern)) < 0.75].tolist())
        found.append(sorted(basket))
    return found


def table(rows, values):
    """One item for each column; columns depend on the one before."""
    found = []
    for _ in range(rows):
        row, before = [], 0
        for column, number in enumerate(values):
            value = int(rng.integers(0, number)) if rng.random() < 0.35 else before % number
            row.append(sum(values[:column]) + value)
            before = value
        found.append(row)
    return found


def fnv(text):
    """FNV-1a, 64 bits: easily written in any language."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def case(name, baskets, support, target):
    sets = fim.fpgrowth(baskets, target=target, supp=-support, zmin=1, report="a")
    sets = sorted((-count, len(items), sorted(items)) for items, count in sets)
    text = "".join(" ".join(map(str, items)) + f" ({-count})\n" for count, _, items in sets)
    lengths = [0] * max((length for _, length, _ in sets), default=0)
    for _, length, _ in sets:
        lengths[length - 1] += 1
    return {
        "baskets": name, "support": support, "kind": {"s": "frequent", "c": "closed", "m": "maximal"}[target],
        "sets": len(sets), "counts": sum(-count for count, _, _ in sets), "lengths": lengths, "hash": f"{fnv(text):016x}",
    }


data = {
    "sparse": quest(600, 8, 60, 4, 150),
    "long": quest(250, 22, 40, 8, 120),
    "dense": table(400, [2, 3, 2, 4, 3, 2, 5, 2, 3]),
}
supports = {"sparse": [4, 9, 60], "long": [20, 40], "dense": [3, 20, 90]}
cases = [case(name, data[name], support, target) for name in data for support in supports[name] for target in "scm"]
lines = ",\n".join(json.dumps(c) for c in cases)
baskets = ",\n".join(f'"{name}": {json.dumps(rows, separators=(",", ":"))}' for name, rows in data.items())
print('{"baskets": {\n' + baskets + '},\n"cases": [\n' + lines + "\n]}")
