"""The workloads of benches/large_tables.py, written by hand for Polars; its budget is in POLARS_OOC_MEMORY_BUDGET_MB.

usage: large_polars.py many_groups|large_join|large_join_written OUT_FOLDER INPUT.parquet [ORDERS.parquet]
"""

import pathlib
import sys

import polars as pl

workload, out, sources = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]

if workload == "many_groups":
    groups = pl.scan_parquet(sources[0]).group_by("key").agg(
        pl.len().cast(pl.Int64).alias("n"), pl.col("v").sum().alias("sum_v"), pl.col("x").mean().alias("mean_x"), pl.col("x").min().alias("least")
    )
    groups.sort("key").sink_parquet(out / "groups.parquet", compression="snappy")
else:
    lines = pl.scan_parquet(sources[0]).select("l_orderkey", "l_linenumber", "l_extendedprice", "l_shipmode", "l_comment")
    orders = pl.scan_parquet(sources[1]).select("o_orderkey", "o_custkey", "o_orderdate", "o_orderpriority", "o_comment")
    joined = lines.join(orders, left_on="l_orderkey", right_on="o_orderkey", how="left", maintain_order="left" if workload == "large_join_written" else "none")
    if workload == "large_join":
        text = (pl.col("o_comment").str.len_chars() + pl.col("l_comment").str.len_chars()).sum().cast(pl.Int64)
        joined.group_by("o_orderpriority", "l_shipmode").agg(
            pl.len().cast(pl.Int64).alias("n"), pl.col("o_orderdate").min().alias("first_day"), pl.col("o_custkey").sum().alias("customers"),
            pl.col("l_extendedprice").sum().alias("price"), text.alias("text"),
        ).sort("o_orderpriority", "l_shipmode").sink_parquet(out / "by_priority.parquet")
    else:
        joined.sink_parquet(out / "ordered.parquet", compression="snappy")
