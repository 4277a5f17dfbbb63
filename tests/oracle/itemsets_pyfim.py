"""Frequent, closed and maximal itemsets for src/mining/itemsets, from PyFIM.

Usage: python itemsets_pyfim.py > ../data/oracle/itemsets_pyfim.json
Needs: pip install pyfim numpy pandas (written with PyFIM 6.28)

Four small sets of baskets: sparse ones made as those of the Quest generator are (Agrawal & Srikant 1994), longer ones of that kind,
dense ones as the columns of a table give them, and 400 of the flights in sample-data, numbers in four bins. For each case: how many sets
there are, the sum of their counts, how many there are of each length, and a hash of all of them. `table` holds the same of all flights,
with items under their names, as the stage reads them from columns.
"""

import gzip
import io
import json
import pathlib

import fim
import numpy as np
import pandas as pd

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


def flights(columns):
    """The items `column=value` of each flight. Numbers of more than 32 values are cut at their quartiles; a value on an edge is below."""
    path = pathlib.Path(__file__).parents[2] / "sample-data" / "flights" / "flights.csv.gz"
    table = pd.read_csv(io.BytesIO(gzip.decompress(path.read_bytes())), na_values=["NA"], usecols=columns, keep_default_na=False)
    named = {}
    for column in columns:
        values = table[column]
        if values.dtype.kind == "f" or (values.dtype.kind == "i" and values.nunique() > 32):
            low, middle, high = np.quantile(values.dropna(), [0.25, 0.5, 0.75])
            names = [f"<={low:g}", f"{low:g}..{middle:g}", f"{middle:g}..{high:g}", f">{high:g}"]
            bins = np.searchsorted([low, middle, high], values, side="left")
            named[column] = [None if np.isnan(value) else f"{column}={names[at]}" for value, at in zip(values, bins)]
        else:
            named[column] = [f"{column}={value}" for value in values]
    return [[item for item in row if item is not None] for row in zip(*(named[column] for column in columns))]


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


def named_case(baskets, share, target):
    """As `case`, with names of items; the hash is of the lines in the order of their bytes."""
    sets = fim.fpgrowth(baskets, target=target, supp=share * 100, zmin=1, report="a")
    lengths = [0] * max(len(items) for items, _ in sets)
    for items, _ in sets:
        lengths[len(items) - 1] += 1
    lines = sorted(f"{' '.join(sorted(items))} ({count})\n" for items, count in sets)
    kind = {"s": "frequent", "c": "closed", "m": "maximal"}[target]
    return {"support": share, "kind": kind, "lengths": lengths, "hash": f"{fnv(''.join(lines)):016x}"}


COLUMNS = ["month", "dep_delay", "arr_delay", "carrier", "origin", "dest", "air_time", "distance", "hour"]
all_flights = flights(COLUMNS)
sample = all_flights[:: len(all_flights) // 400][:400]
numbers = {item: number for number, item in enumerate(sorted({item for row in sample for item in row}))}
data = {
    "sparse": quest(600, 8, 60, 4, 150),
    "long": quest(250, 22, 40, 8, 120),
    "dense": table(400, [2, 3, 2, 4, 3, 2, 5, 2, 3]),
    "flights": [sorted(numbers[item] for item in row) for row in sample],
}
supports = {"sparse": [4, 9, 60], "long": [20, 40], "dense": [3, 20, 90], "flights": [2, 8, 40]}
cases = [case(name, data[name], support, target) for name in data for support in supports[name] for target in "scm"]
lines = ",\n".join(json.dumps(c) for c in cases)
baskets = ",\n".join(f'"{name}": {json.dumps(rows, separators=(",", ":"))}' for name, rows in data.items())
named = [named_case(all_flights, share, target) for share, target in [(0.02, "s"), (0.005, "c"), (0.01, "m")]]
named = json.dumps({"columns": COLUMNS, "cases": named})
print('{"baskets": {\n' + baskets + '},\n"cases": [\n' + lines + '\n],\n"table": ' + named + "}")
