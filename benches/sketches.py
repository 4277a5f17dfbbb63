"""Errors of the sketches behind `profile` and `describe` on 10,000,000 values, against exact numbers from NumPy.

usage: python benches/sketches.py [--rows N]

Writes values of five distributions to Parquet, profiles them and compares different values, quantiles, moments and the counts of
frequent values with exact ones. Keeps results/sketches.json and prints a table. Needs numpy and pyarrow (or polars).
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import polars as pl

from comparison import FOLDER, GRISTMILL

PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]

arguments = argparse.ArgumentParser()
arguments.add_argument("--rows", type=int, default=10_000_000)
rows = arguments.parse_args().rows
draw = np.random.default_rng(7)
columns = {
    "normal": draw.normal(100.0, 15.0, rows),
    "lognormal": draw.lognormal(0.0, 2.0, rows),
    "uniform integers": draw.integers(0, 5_000_000, rows),
    "zipf": np.minimum(draw.zipf(1.3, rows), 2**40),
    "ascending": np.arange(rows, dtype=np.int64),
}
results = []
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "values.parquet"
    pl.DataFrame(columns).write_parquet(path)
    text = subprocess.run([GRISTMILL, "profile", path, "--json"], check=True, capture_output=True, text=True).stdout
table = json.loads(text)["tables"][0]
for column in table["columns"]:
    values = columns[column["name"]]
    ordered = np.sort(values)
    distinct = len(np.unique(ordered))
    ranks = []
    for probability, found in zip(PROBABILITIES, column["numbers"]["quantiles"]):
        low, high = np.searchsorted(ordered, found, "left") / rows, np.searchsorted(ordered, found, "right") / rows
        ranks.append(max(low - probability, probability - high, 0.0))
    _, counts = np.unique(ordered, return_counts=True)
    truth = {value: count for value, count in zip(*np.unique(ordered, return_counts=True))}
    bounds = all(top["count"] - top["error"] <= truth[type(ordered[0])(float(top["value"]))] <= top["count"] for top in column["top"])
    floats = values.astype(np.float64)
    results.append({
        "column": column["name"],
        "distinct": distinct,
        "distinct found": column["distinct"]["count"],
        "distinct error": column["distinct"]["count"] / distinct - 1.0,
        "stated standard error": column["distinct"]["standard_error"],
        "largest rank error": max(ranks),
        "stated rank error": column["numbers"]["rank_error"],
        "relative error of the mean": abs(column["numbers"]["mean"] / floats.mean() - 1.0),
        "relative error of the deviation": abs(column["numbers"]["sd"] / floats.std(ddof=1) - 1.0),
        "counts within bounds": bool(bounds),
    })
(FOLDER / "results").mkdir(exist_ok=True)
(FOLDER / "results" / "sketches.json").write_text(json.dumps({"rows": rows, "columns": results}, indent=1) + "\n")
print("| column | distinct | error | largest rank error | mean | deviation | counts within bounds |")
print("|---|---|---|---|---|---|---|")
for line in results:
    print(f"| {line['column']} | {line['distinct']:,} | {line['distinct error']:+.2%} | {line['largest rank error']:.3%} | {line['relative error of the mean']:.0e} | {line['relative error of the deviation']:.0e} | {'yes' if line['counts within bounds'] else 'NO'} |")
