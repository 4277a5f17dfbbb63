"""A full join whose order matters, of 1,000,000 and 100,000 rows, against Polars' own; from Parquet files to a Parquet file.

    python benches/full_join.py

Half of the keys of the right have no match, which is what the order is about: gristmill gives those rows in the order of the right
behind all others, however many threads there are; Polars gives them as its threads come to them, whatever order it is asked for. So
the outputs are compared row by row up to there, and as sets behind it.
"""

import pathlib
import sys
import tempfile

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from comparison import FOLDER, GRISTMILL, Program, compare, store

LEFT, RIGHT = 1_000_000, 100_000


def make(folder):
    rng = np.random.default_rng(11)
    keys = rng.permutation(2 * RIGHT)
    left = {
        "key": rng.choice(keys[: RIGHT + RIGHT // 2], LEFT),
        "id": np.arange(LEFT),
        "value": rng.normal(size=LEFT),
        "word": rng.choice(np.array([f"word {i}" for i in range(1000)]), LEFT),
    }
    pl.DataFrame(left).write_parquet(folder / "left.parquet")
    right = {"key": keys[RIGHT:], "weight": rng.normal(size=RIGHT), "name": [f"the name of {key}" for key in keys[RIGHT:]]}
    pl.DataFrame(right).write_parquet(folder / "right.parquet")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make(folder)
        pipeline = folder / "join.yaml"
        pipeline.write_text(
            "name: full\nstages:\n  - id: others\n    read: {path: right.parquet}\n  - id: rows\n    read: {path: left.parquet}\n"
            "  - join: {with: others, on: key, how: full}\n  - write: {path: ours.parquet}\n"
        )
        peer = [sys.executable, FOLDER / "peers" / "full_join_polars.py", "left.parquet", "right.parquet"]
        programs = [
            Program("gristmill", [GRISTMILL, "run", pipeline, "--quiet", "--no-cache"], folder=folder),
            Program("Polars, left order", [*peer, "theirs.parquet", "left_right"], folder=folder),
            Program("Polars, any order", [*peer, "any.parquet", "none"], folder=folder),
        ]
        measured = compare(programs)
        ours, theirs = pl.read_parquet(folder / "ours.parquet"), pl.read_parquet(folder / "theirs.parquet").select("key", "id", "value", "word", "weight", "name")
        assert_frame_equal(ours[:LEFT], theirs[:LEFT])
        rights = pl.read_parquet(folder / "right.parquet")
        unmatched = rights.filter(~pl.col("key").is_in(ours["key"][:LEFT].implode()))
        assert_frame_equal(ours[LEFT:].select("key", "weight", "name"), unmatched)
        assert_frame_equal(theirs[LEFT:].sort("key"), ours[LEFT:].sort("key"))
        store("full_join", "full join of 1,000,000 and 100,000 rows", measured, note="Rows are equal; gristmill's unmatched rows of the right keep their order.")


if __name__ == "__main__":
    main()
