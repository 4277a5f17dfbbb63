"""A full join of two Parquet files to a third with Polars' streaming engine.

    python full_join_polars.py LEFT RIGHT OUT none|left_right
"""

import sys

import polars as pl

left, right, out, order = sys.argv[1:]
joined = pl.scan_parquet(left).join(pl.scan_parquet(right), on="key", how="full", coalesce=True, maintain_order=order)
joined.sink_parquet(out, compression="zstd", maintain_order=order != "none")
