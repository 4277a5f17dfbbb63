"""The workloads of benches/memory.py, written by hand for Polars (streaming).

usage: bounded_polars.py WORKLOAD OUT_FOLDER LIMIT_IN_BYTES INPUT.parquet [ORDERS.parquet]
"""

import os
import pathlib
import sys

workload, out, limit, source = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ["POLARS_MAX_THREADS"] = os.environ.get("THREADS", "2")
os.environ["POLARS_OOC_MEMORY_BUDGET_MB"] = str(limit // 1_000_000)
os.environ["POLARS_OOC_SPILL_DIR"] = str(out / "spill")
import polars as pl  # noqa: E402  (reads its environment when it is imported)

table = pl.scan_parquet(source)
if workload == "sort":
    table.sort("l_shipdate", "l_extendedprice", maintain_order=True).sink_parquet(out / "sorted.parquet", compression="snappy")
elif workload == "keep_latest":
    rest = pl.exclude("id")
    table.group_by("id").agg(rest.sort_by("version").last()).sink_parquet(out / "latest.parquet", compression="snappy")
elif workload == "many_groups":
    groups = table.group_by("key").agg(
        pl.len().cast(pl.Int64).alias("n"), pl.col("v").sum().alias("sum_v"), pl.col("x").mean().alias("mean_x"), pl.col("x").min().alias("least")
    )
    groups.sort("key").sink_parquet(out / "groups.parquet", compression="snappy")
elif workload in ("large_join", "large_join_written"):
    lines = table.select("l_orderkey", "l_linenumber", "l_extendedprice", "l_shipmode", "l_comment")
    orders = pl.scan_parquet(sys.argv[5]).select("o_orderkey", "o_custkey", "o_orderdate", "o_orderpriority", "o_comment")
    joined = lines.join(orders, left_on="l_orderkey", right_on="o_orderkey", how="left", maintain_order="left" if workload == "large_join_written" else "none")
    if workload == "large_join_written":
        joined.sink_parquet(out / "joined.parquet", compression="snappy")
    else:
        text = (pl.col("o_comment").str.len_chars() + pl.col("l_comment").str.len_chars()).sum().cast(pl.Int64)
        joined.group_by("o_orderpriority", "l_shipmode").agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("o_orderdate").min().alias("first_day"),
            pl.col("o_custkey").sum().alias("customers"),
            pl.col("l_extendedprice").sum().alias("price"),
            text.alias("text"),
        ).sort("o_orderpriority", "l_shipmode").sink_parquet(out / "by_priority.parquet")
else:
    day, tokens = pl.col("ship_date"), ["", "N/A", "null", "-"]
    known = lambda name: pl.when(~pl.col(name).is_in(tokens)).then(pl.col(name)).cast(pl.Float64)  # noqa: E731
    cleaned = table.with_columns(
        known("quantity"),
        known("discount"),
        pl.col("tax").cast(pl.Float64),
        pl.col("amount").str.replace_many(["$", ","], ["", ""]).cast(pl.Float64),
        pl.coalesce(day.str.to_date(layout, strict=False) for layout in ["%Y-%m-%d", "%d/%m/%Y", "%b %d %Y"]),
        pl.col("ship_mode", "instruct").str.strip_chars(" ").str.to_lowercase(),
    )
    cleaned.group_by("order_id", "line").agg(pl.exclude("order_id", "line").sort_by("updated_at").last()).sink_parquet(out / "latest.parquet", compression="lz4")
    latest, amount = pl.scan_parquet(out / "latest.parquet"), pl.col("amount")
    learned = latest.select(
        middle=pl.col("quantity").median(), usual=pl.col("discount").mean(), low=amount.quantile(0.01, "linear"), high=amount.quantile(0.99, "linear")
    ).collect(engine="streaming")
    bounded = latest.with_columns(
        pl.col("quantity").fill_null(learned["middle"][0]), pl.col("discount").fill_null(learned["usual"][0]), amount.clip(learned["low"][0], learned["high"][0])
    )
    scaled = ["amount", "quantity", "discount", "tax"]
    moments = bounded.select(*[pl.col(name).mean().alias(f"mean_{name}") for name in scaled], *[pl.col(name).std().alias(f"sd_{name}") for name in scaled]).collect(engine="streaming")
    prepared = bounded.with_columns(((pl.col(name) - moments[f"mean_{name}"][0]) / moments[f"sd_{name}"][0]).alias(f"{name}_z") for name in scaled)
    prepared.sink_parquet(out / "sales.parquet", compression="zstd")
    (
        prepared.group_by("ship_mode", "return_flag")
        .agg(n=pl.len(), mean=amount.mean(), sum=amount.sum(), median=amount.median())
        .sort("ship_mode", "return_flag")
        .sink_parquet(out / "statistics.parquet")
    )
