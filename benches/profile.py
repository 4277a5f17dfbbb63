"""Profiles of the sample flights and of lineitem (TPC-H, scale 1), side by side with DuckDB's SUMMARIZE and ydata-profiling.

usage: python benches/profile.py LINEITEM.parquet [--ydata PYTHON] [--rounds N]

SUMMARIZE gives range, approximate distinct values, mean, deviation, quartiles, count and share of nulls; gristmill gives these and
what docs/profile.md names. LINEITEM.parquet: tpchgen-cli --scale-factor 1 --format parquet --tables lineitem. DuckDB runs in this
Python; ydata-profiling in the one that is named, minimal; of lineitem it takes minutes and more than 11 GB, so it is measured once.
"""

import argparse
import pathlib
import sys
import tempfile

from comparison import GRISTMILL, ROOT, Program, compare, store

PEERS = pathlib.Path(__file__).resolve().parent / "peers"

arguments = argparse.ArgumentParser()
arguments.add_argument("lineitem", type=pathlib.Path)
arguments.add_argument("--ydata", help="a Python that has ydata-profiling")
arguments.add_argument("--rounds", type=int, default=3)
chosen = arguments.parse_args()

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for name, title, path in [
        ("profile_flights", "profile of flights.csv.gz (336,776 rows)", ROOT / "sample-data/flights/flights.csv.gz"),
        ("profile_lineitem", "profile of lineitem.parquet (6,001,215 rows)", chosen.lineitem.resolve()),
    ]:
        programs = [
            Program("gristmill profile", [GRISTMILL, "profile", path, "--output", folder / f"{name}.html", "--threads", "2"]),
            Program("DuckDB SUMMARIZE", [sys.executable, PEERS / "profile_duckdb.py", path]),
        ]
        measured = compare(programs, chosen.rounds)
        if chosen.ydata:
            ydata = Program("ydata-profiling minimal", [chosen.ydata, PEERS / "profile_ydata.py", path, folder / "ydata.html"], stop_above=18 * 2**30)
            measured |= compare([ydata], 1 if name == "profile_lineitem" else chosen.rounds)
        store(name, title, measured)
