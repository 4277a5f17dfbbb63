"""Principal components and an isolation forest against scikit-learn, from a Parquet file of 1,000,000 rows of 10 columns to another.

    python benches/reduce.py

The rows are normal around a plane; one in a hundred is an anomaly: off the plane, or far out in some columns. Components have to be
equal up to their sign; of the forests, which are random, the area under the ROC curve is compared.
"""

import pathlib
import sys
import tempfile

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from comparison import FOLDER, GRISTMILL, Program, compare, store

ROWS = 1_000_000
STAGES = {
    "pca": "reduce: {columns: COLUMNS, components: 3, scale: false}",
    "forest": "anomalies: {columns: COLUMNS, method: isolation_forest, contamination: 0.01}",
}


def make(path):
    rng = np.random.default_rng(7)
    low = rng.normal(size=(ROWS, 4)) * [5.0, 3.0, 2.0, 1.0]
    rows = low @ rng.normal(size=(4, 10)) + rng.normal(size=(ROWS, 10)) * 0.3
    odd = rng.random(ROWS) < 0.01
    moved = rng.random((ROWS, 10)) < 0.4
    rows = np.where(odd[:, None] & moved, rows + rng.choice([-1, 1], (ROWS, 10)) * rng.uniform(8, 30, (ROWS, 10)), rows)
    columns = {f"x{i}": rows[:, i] for i in range(10)}
    pl.DataFrame({"odd": odd, **columns}).write_parquet(path)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table = folder / "table.parquet"
        make(table)
        columns = "[" + ", ".join(f"x{i}" for i in range(10)) + "]"
        for what, stage in STAGES.items():
            ours, theirs = folder / f"{what}.parquet", folder / f"{what}_sklearn.parquet"
            pipeline = folder / f"{what}.yaml"
            stage = stage.replace("COLUMNS", columns)
            pipeline.write_text(f"name: {what}\nstages:\n  - read: {{path: {table}}}\n  - {stage}\n  - write: {{path: {ours}}}\n")
            programs = [
                Program("gristmill", [GRISTMILL, "run", pipeline, "--quiet", "--no-cache"], folder=folder),
                Program("scikit-learn", [sys.executable, FOLDER / "peers" / "reduce_sklearn.py", what, table, theirs], folder=folder),
            ]
            measured = compare(programs)
            found, expected = pl.read_parquet(ours), pl.read_parquet(theirs)
            if what == "pca":
                for name in ("pc_1", "pc_2", "pc_3"):
                    a, b = found[name].to_numpy(), expected[name].to_numpy()
                    off = np.abs(a - np.sign(a @ b) * b).max() / np.abs(b).max()
                    assert off < 1e-9, (name, off)
                store("reduce_pca", "3 principal components of 1,000,000 x 10", measured, note="Scores are equal to 1e-9 of the largest, up to the sign.")
            else:
                areas = {}
                for name, rows in (("gristmill", found), ("scikit-learn", expected)):
                    areas[name] = f"{roc_auc_score(rows['odd'].to_numpy(), rows['anomaly_score'].to_numpy()):.4f}"
                note = "gristmill also flags the rows and writes the reason of each anomaly."
                store("reduce_forest", "isolation forest of 1,000,000 x 10, 100 trees", measured, {"area under the ROC curve": areas}, note)


if __name__ == "__main__":
    main()
