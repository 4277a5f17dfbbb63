"""usage: cluster.py FLIGHTS.csv[.gz] FOLDER [--rounds N] [--peers PYTHON]: k-means and HDBSCAN beside scikit-learn.

k-means: eight standardized columns of the flights, k = 8, ten starts of greedy k-means++, at most 300 iterations, the same
tolerance on both sides; both start at random, so their inertia is told, and ours may be at most half a percent larger. HDBSCAN:
50,000 seeded rows of twelve heaps of different density in three columns, with noise. PYTHON needs scikit-learn, polars and NumPy.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys

import numpy as np
import polars as pl

import comparison

COLUMNS = ["month", "day", "hour", "minute", "distance", "dep_delay", "sched_dep_time", "sched_arr_time"]

PIPELINE = """name: {name}
stages:
  - read: {{path: {name}.csv}}
  - id: groups
    cluster: {options}
  - write: {{path: {name}.parquet}}
"""

OPTIONS = {
    "kmeans": "{method: kmeans, k: 8, starts: 10}",
    "hdbscan": "{method: hdbscan, min_cluster_size: 100, min_samples: 20}",
}


def make(folder, flights):
    table = pl.read_csv(flights, null_values=["NA"], infer_schema_length=None)
    table.select(COLUMNS).drop_nulls().write_csv(folder / "kmeans.csv")
    luck = np.random.default_rng(1)
    heaps = [luck.normal(luck.uniform(-30, 30, 3), luck.uniform(0.5, 3), (4000, 3)) for _ in range(12)]
    rows = luck.permutation(np.concatenate([*heaps, luck.uniform(-40, 40, (2000, 3))]))
    pl.DataFrame(rows, schema=["x", "y", "z"], orient="row").write_csv(folder / "hdbscan.csv")


def told(folder):
    """The metrics of the stage in the last run."""
    manifest = max(folder.glob(".gristmill/runs/*/manifest.json"), key=os.path.getmtime)
    stages = json.load(open(manifest))["stages"]
    exhibits = [exhibit for stage in stages if stage["id"] == "groups" for exhibit in stage["exhibits"]]
    return {metric["name"]: metric["value"] for exhibit in exhibits for metric in exhibit.get("metrics", {}).get("metrics", [])}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flights")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "hdbscan.csv").exists():
        make(folder, arguments.flights)
    peer = comparison.FOLDER / "peers" / "cluster_sklearn.py"
    for what, options in OPTIONS.items():
        (folder / f"{what}.yaml").write_text(PIPELINE.format(name=what, options=options))
        ours = comparison.Program(
            "gristmill",
            [comparison.GRISTMILL, "run", f"{what}.yaml", "--quiet"],
            folder=folder,
            before=lambda: shutil.rmtree(folder / ".gristmill", ignore_errors=True),
        )
        words = [arguments.peers, peer, what, folder / f"{what}.csv", folder / f"{what}_sklearn.json"]
        threads = {"OMP_NUM_THREADS": str(comparison.THREADS)}
        measured = comparison.compare([ours, comparison.Program("scikit-learn", words, environment=threads)], arguments.rounds)
        found, theirs = told(folder), json.load(open(folder / f"{what}_sklearn.json"))
        if what == "kmeans":
            if found["inertia"] > theirs["inertia"] * 1.005:
                sys.exit(f"an inertia of {found['inertia']} is worse than {theirs['inertia']}")
            columns = {"inertia": {"gristmill": f"{found['inertia']:,.0f}", "scikit-learn": f"{theirs['inertia']:,.0f}"}}
            title = "k-means of 327,346 flights in eight columns"
        else:
            if found["clusters"] != theirs["clusters"]:
                sys.exit(f"{found['clusters']} clusters, but scikit-learn found {theirs['clusters']}")
            columns = {"clusters": {"gristmill": f"{found['clusters']:.0f}", "scikit-learn": str(theirs["clusters"])}}
            title = "HDBSCAN of 50,000 rows in three columns"
        comparison.store(f"cluster_{what}", title, measured, columns=columns, note="Both read the same CSV; ours also measures quality, draws its report and writes the labelled rows.")


if __name__ == "__main__":
    main()
