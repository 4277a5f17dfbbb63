#!/usr/bin/env python3
"""Runs the preparation of the sales file by gristmill and by hand-written peers in turn, checks that all give the same, and
prints a table of times and memory.

usage: sales.py SALES.csv [--rounds 3] [--gristmill PROGRAM] [--only gristmill,duckdb,polars,pandas] [--folder FOLDER]

Run it with a Python that has duckdb, polars, pandas and pyarrow. One round runs every program once, so that a busy machine is
busy for all of them; the table shows the median. The memory is the peak of resident memory that the system reports when the
process ends (the same number as `/usr/bin/time -v` prints).
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
THREADS = "2"
SUMMED = ["quantity", "amount", "discount", "tax", "amount_z", "quantity_z", "discount_z", "tax_z", "order_id", "line", "part_id", "supplier_id"]
TEXTS = ["return_flag", "line_status", "ship_mode", "instruct"]
DAYS = ["ship_date", "updated_at"]


def arguments():
    target = os.environ.get("CARGO_TARGET_DIR", os.path.expanduser("~/.cache/gristmill-target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sales", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gristmill", default=f"{target}/release/gristmill")
    parser.add_argument("--only", default="gristmill,duckdb,polars,pandas")
    parser.add_argument("--folder", type=pathlib.Path, default=None)
    return parser.parse_args()


def command(name, options, folder):
    source = str(options.sales.resolve())
    if name == "gristmill":
        pipeline = str(ROOT / "pipelines" / "sales.yaml")
        return [options.gristmill, "run", pipeline, "--set", f"input={source}", "--set", f"out={folder}", "--dir", str(folder), "--threads", THREADS, "--quiet"]
    return [sys.executable, str(ROOT / "benches" / "peers" / f"prepare_{name}.py"), source, str(folder)]


def measure(words):
    """Seconds on the clock, seconds of processors and peak memory in bytes of one run."""
    began = time.monotonic()
    child = os.posix_spawnp(words[0], words, os.environ | {"THREADS": THREADS})
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"{' '.join(words)} ended with exit code {code}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


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
    times = {name: [] for name in names}
    processors = {name: [] for name in names}
    peaks = {name: [] for name in names}
    for round_number in range(options.rounds):
        for name in names:
            folder = base / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            seconds, processor, peak = measure(command(name, options, folder))
            times[name].append(seconds)
            processors[name].append(processor)
            peaks[name].append(peak)
            print(f"round {round_number + 1}: {name} {seconds:.2f} s, {processor:.2f} s of processors, {peak / 2**30:.2f} GiB", file=sys.stderr)
    connection = duckdb.connect()
    summaries = {name: summary(connection, base / name) for name in names}
    found = [line for name in names[1:] for line in differences(f"{names[0]} and {name}", summaries[names[0]], summaries[name])]
    ours = statistics.median(times[names[0]])
    print(f"| program | seconds (median of {options.rounds}) | best | as a multiple of {names[0]} | seconds of processors | peak memory |\n|---|---|---|---|---|---|")
    for name in names:
        middle = statistics.median(times[name])
        print(f"| {name} | {middle:.2f} | {min(times[name]):.2f} | {middle / ours:.2f} | {statistics.median(processors[name]):.2f} | {max(peaks[name]) / 2**30:.2f} GiB |")
    if found:
        print(f"\n{len(found)} differences:", *found[:20], sep="\n")
        sys.exit(1)
    print(f"\nAll outputs are equal: {summaries[names[0]]['rows']:,} rows.")
    if options.folder is None:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
