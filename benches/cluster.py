"""usage: cluster.py FLIGHTS.csv[.gz] FOLDER [--rounds N] [--peers PYTHON]: k-means and HDBSCAN beside scikit-learn.

k-means: eight standardized columns of the flights, k = 8, ten starts of greedy k-means++, at most 300 iterations, the same
tolerance on both sides. Both start at random, and the best of ten starts differs by more than one percent from seed to seed, on
either side: so the inertia of one run says little. It is told, and what is judged is the median over fifteen seeds of every
tenth row, of which ours may be at most 0.3 % larger. HDBSCAN:
50,000 seeded rows of twelve heaps of different density in three columns, with noise. PYTHON needs scikit-learn, polars and NumPy.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
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


SEEDS = range(1, 16)


def make(folder, flights):
    table = pl.read_csv(flights, null_values=["NA"], infer_schema_length=None)
    table = table.select(COLUMNS).drop_nulls()
    table.write_csv(folder / "kmeans.csv")
    table.gather_every(10).write_csv(folder / "seeds.csv")
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


def judge_starts(folder, python, peer):
    """Ends the benchmark when our starts are worse than scikit-learn's; gives the median inertia of both."""
    found = []
    for seed in SEEDS:
        options = f"{{method: kmeans, k: 8, starts: 10, seed: {seed}}}"
        (folder / "seeds.yaml").write_text(PIPELINE.format(name="seeds", options=options))
        words = [comparison.GRISTMILL, "run", "seeds.yaml", "--quiet"]
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found.append(told(folder)["inertia"])
    out = folder / "seeds_sklearn.json"
    subprocess.run([python, peer, "seeds", folder / "seeds.csv", out, *map(str, SEEDS)], check=True)
    ours, theirs = statistics.median(found), statistics.median(json.load(open(out))["inertias"])
    if ours > theirs * 1.003:
        sys.exit(f"the median inertia {ours} of {len(SEEDS)} seeds is worse than {theirs}")
    return ours, theirs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flights")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "seeds.csv").exists():
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
            medians = judge_starts(folder, arguments.peers, peer)
            columns = {
                "inertia": {"gristmill": f"{found['inertia']:,.0f}", "scikit-learn": f"{theirs['inertia']:,.0f}"},
                "its median over 15 seeds, every tenth row": dict(zip(["gristmill", "scikit-learn"], (f"{median:,.0f}" for median in medians))),
            }
            title = "k-means of 327,346 flights in eight columns"
        else:
            if found["clusters"] != theirs["clusters"]:
                sys.exit(f"{found['clusters']} clusters, but scikit-learn found {theirs['clusters']}")
            columns = {"clusters": {"gristmill": f"{found['clusters']:.0f}", "scikit-learn": str(theirs["clusters"])}}
            title = "HDBSCAN of 50,000 rows in three columns"
        comparison.store(f"cluster_{what}", title, measured, columns=columns, note="Both read the same CSV; ours also measures quality, draws its report and writes the labelled rows.")


if __name__ == "__main__":
    main()
