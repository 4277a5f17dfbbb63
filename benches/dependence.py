#!/usr/bin/env python3
"""Kendall's tau of a million pairs against SciPy, and a linear model of the flights against statsmodels.

usage: dependence.py [--rounds 3] [--gristmill PROGRAM] [--only kendall,ols]

Run it with a Python that has scipy, statsmodels, pandas and pyarrow. Both programs read the same files, and their answers have to
agree. The tables go to README.md between the marks `dependence-kendall` and `dependence-ols`.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import pandas as pd

from comparison import GRISTMILL, ROOT, THREADS, Program, close, compare, store

FLIGHTS = ROOT / "sample-data" / "flights" / "flights.csv.gz"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gristmill", default=GRISTMILL)
    parser.add_argument("--only", default="kendall,ols")
    return parser.parse_args()


def gristmill(options, folder, stages):
    """The program with a pipeline of these stages; its folder is emptied before each round, so that nothing is cached."""
    place = folder / "run"

    def before():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "p.yaml").write_text("name: p\nstages:\n" + "".join(f"  - {stage}\n" for stage in stages))

    return Program("gristmill", [options.gristmill, "run", "p.yaml", "--threads", THREADS, "--quiet"], folder=place, before=before)


def measure(name, title, programs, options, folder, read):
    measured = compare(programs, options.rounds)
    answers = {"gristmill": read(pd.read_parquet(folder / "run" / "out.parquet"))}
    for program in programs[1:]:
        answers[program.name] = [float(word) for word in measured[program.name][-1].output.split()[-len(answers["gristmill"]):]]
    first = answers["gristmill"]
    for program, answer in answers.items():
        if not close(first, answer):
            sys.exit(f"{program} has {answer}, gristmill has {first}")
    store(name, title, measured, note="The answers agree to 1e-9.")


def main():
    options = arguments()
    peers = pathlib.Path(__file__).resolve().parent / "peers" / "dependence.py"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if "kendall" in options.only:
            rng = np.random.default_rng(1)
            x = rng.normal(size=1_000_000)
            pairs = folder / "pairs.parquet"
            pd.DataFrame({"x": x, "y": np.round(x + rng.normal(size=x.size) * 20, 2)}).to_parquet(pairs)
            programs = [
                gristmill(options, folder, [f"read: {{path: {pairs}}}", "correlate: {method: kendall}", "write: {path: out.parquet}"]),
                Program("SciPy", [sys.executable, peers, "kendall", pairs]),
            ]
            measure("dependence-kendall", "Kendall's tau-b of a million pairs", programs, options, folder, lambda table: [table.correlation[0], table.p_value[0]])
        if "ols" in options.only:
            regress = "regress: {target: arr_delay, features: [dep_delay, distance, carrier], base: {carrier: UA}, errors: hc1}"
            programs = [
                gristmill(options, folder, [f"read: {{path: {FLIGHTS}, null_values: [NA]}}", regress, "write: {path: out.parquet}"]),
                Program("statsmodels", [sys.executable, peers, "ols", FLIGHTS]),
            ]
            slope = lambda table: table[table.term == "dep_delay"].iloc[0]
            measure("dependence-ols", "Linear model of the flights with robust errors", [programs[0], programs[1]], options, folder, lambda table: [slope(table).estimate, slope(table).std_error])


if __name__ == "__main__":
    main()
