#!/usr/bin/env python3
"""The preparation of the sales file by gristmill and by hand-written peers in turn.

usage: sales.py SALES.csv[.gz] [--rounds 3] [--gristmill PROGRAM] [--only gristmill,duckdb,polars,pandas] [--folder FOLDER] [--name sales]

Run it with a Python that has duckdb, polars, pandas and pyarrow. The outputs of all have to be equal. The table goes to README.md
between the marks of its name.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

import duckdb

from comparison import GRISTMILL, ROOT, THREADS, Program, compare, store

SUMMED = ["quantity", "amount", "discount", "tax", "amount_z", "quantity_z", "discount_z", "tax_z", "order_id", "line", "part_id", "supplier_id"]
TEXTS = ["return_flag", "line_status", "ship_mode", "instruct"]
DAYS = ["ship_date", "updated_at"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sales", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gristmill", default=GRISTMILL)
    parser.add_argument("--only", default="gristmill,duckdb,polars,pandas")
    parser.add_argument("--folder", type=pathlib.Path, default=None)
    parser.add_argument("--name", default="sales")
    return parser.parse_args()


def program(name, options, folder):
    source = options.sales.resolve()
    if name == "gristmill":
        pipeline = ROOT / "pipelines" / "sales.yaml"
        words = [options.gristmill, "run", pipeline, "--set", f"input={source}", "--set", f"out={folder}", "--dir", folder, "--threads", THREADS, "--quiet"]
    else:
        words = [sys.executable, ROOT / "benches" / "peers" / f"prepare_{name}.py", source, folder]

    def before():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    return Program(name, words, before=before)


def summary(connection, folder):
    """What an output holds in a few hundred numbers."""
    sales, table = folder / "sales.parquet", folder / "statistics.parquet"
    numbers = {"rows": connection.execute(f"select count(*) from '{sales}'").fetchone()[0]}
    for name in SUMMED:
        # Sums of z-scores are 0 but for rounding; their absolute values are not.
        total, size, nulls = connection.execute(f"select fsum({name}::double), fsum(abs({name}::double)), count(*) - count({name}) from '{sales}'").fetchone()
        numbers |= {f"size of {name}": size, f"nulls of {name}": nulls}
        if not name.endswith("_z"):
            numbers[f"sum of {name}"] = total
    for name in DAYS:
        numbers[f"days of {name}"] = connection.execute(f"select sum({name}::date - date '1970-01-01'), count({name}) from '{sales}'").fetchone()
    for name in TEXTS:
        numbers[f"values of {name}"] = connection.execute(f"select {name}, count(*) from '{sales}' group by 1 order by 1").fetchall()
    numbers["some rows"] = connection.execute(f"""
      select order_id, line, part_id, quantity, amount, discount, tax, ship_date::date, ship_mode, instruct, updated_at::date, amount_z, quantity_z, discount_z, tax_z
      from '{sales}' where order_id % 997 = 0 order by order_id, line""").fetchall()
    numbers["statistics"] = connection.execute(f"select ship_mode, return_flag, n, mean, sum, median from '{table}' order by 1, 2").fetchall()
    return numbers


def differences(name, left, right, path=""):
    """Where two summaries differ by more than 1e-9 of the larger value (of 1, where both are smaller: a z-score of nearly 0 is the
    difference of two large numbers)."""
    if isinstance(left, dict):
        return [found for key in left for found in differences(name, left[key], right[key], key)]
    if isinstance(left, (list, tuple)):
        if len(left) != len(right):
            return [f"{name}: {path}: {len(left)} and {len(right)} values"]
        return [found for at, pair in enumerate(zip(left, right)) for found in differences(name, *pair, f"{path}[{at}]")]
    if isinstance(left, (int, float)) and isinstance(right, (int, float)) and not isinstance(left, bool):
        return [] if abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1.0) else [f"{name}: {path}: {left!r} and {right!r}"]
    return [] if left == right else [f"{name}: {path}: {left!r} and {right!r}"]


def main():
    options = arguments()
    names = options.only.split(",")
    base = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="gristmill-sales-"))
    measured = compare([program(name, options, base / name) for name in names], options.rounds)
    finished = [name for name in names if not any(run.failure for run in measured[name])]
    connection = duckdb.connect()
    summaries = {name: summary(connection, base / name) for name in finished}
    found = [line for name in finished[1:] for line in differences(f"{finished[0]} and {name}", summaries[finished[0]], summaries[name])]
    if options.folder is None:
        shutil.rmtree(base)
    if found:
        sys.exit("\n".join([f"{len(found)} differences:", *found[:20]]))
    rows = summaries[finished[0]]["rows"]
    store(options.name, f"{options.sales.name}", measured, note=f"All outputs are equal: {rows:,} rows.")


if __name__ == "__main__":
    main()
