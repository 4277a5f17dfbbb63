"""The preparation of pipelines/sales.yaml, written by hand for Polars (streaming).

usage: prepare_polars.py SALES.csv OUT_FOLDER     (THREADS sets the number of threads, 2 when absent)
"""

import os
import pathlib
import sys

os.environ["POLARS_MAX_THREADS"] = os.environ.get("THREADS", "2")
import polars as pl  # noqa: E402  (reads the number of threads when it is imported)

source, out = sys.argv[1], pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

exported = pl.scan_csv(
    source,
    null_values=["", "N/A", "null", "-"],
    schema_overrides={"amount": pl.String, "quantity": pl.Float64, "discount": pl.Float64, "ship_date": pl.String, "updated_at": pl.Date},
)
day = pl.col("ship_date")
cleaned = exported.with_columns(
    pl.col("amount").str.replace_many(["$", ","], ["", ""]).cast(pl.Float64),
    pl.coalesce(day.str.to_date(layout, strict=False) for layout in ["%Y-%m-%d", "%d/%m/%Y", "%b %d %Y"]),
    pl.col("ship_mode", "instruct").str.strip_chars(" ").str.to_lowercase(),
)
rest = pl.exclude("order_id", "line")
latest = cleaned.group_by("order_id", "line").agg(rest.sort_by("updated_at").last()).collect(engine="streaming")

amount = pl.col("amount")
bounded = latest.with_columns(
    pl.col("quantity").fill_null(pl.col("quantity").median()),
    pl.col("discount").fill_null(pl.col("discount").mean()),
    amount.clip(amount.quantile(0.01, "linear"), amount.quantile(0.99, "linear")),
)
del latest
prepared = bounded.with_columns(
    ((pl.col(name) - pl.col(name).mean()) / pl.col(name).std()).alias(f"{name}_z") for name in ["amount", "quantity", "discount", "tax"]
)
prepared.write_parquet(out / "sales.parquet", compression="zstd")
(
    prepared.lazy()
    .group_by("ship_mode", "return_flag")
    .agg(n=pl.len(), mean=amount.mean(), sum=amount.sum(), median=amount.median())
    .sort("ship_mode", "return_flag")
    .collect()
    .write_parquet(out / "statistics.parquet")
)
