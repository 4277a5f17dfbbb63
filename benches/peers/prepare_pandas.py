"""The preparation of pipelines/sales.yaml, written by hand for pandas.

usage: prepare_pandas.py SALES.csv OUT_FOLDER     (THREADS sets the number of threads, 2 when absent)
"""

import os
import pathlib
import sys

import pandas as pd
import pyarrow

threads = int(os.environ.get("THREADS", 2))
pyarrow.set_cpu_count(threads)
pyarrow.set_io_thread_count(threads)

source, out = sys.argv[1], pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)

frame = pd.read_csv(
    source,
    engine="pyarrow",
    na_values=["", "N/A", "null", "-"],
    keep_default_na=False,
    dtype={"amount": "string", "quantity": "float64", "discount": "float64", "ship_date": "string"},
)
frame["amount"] = frame["amount"].str.replace("$", "", regex=False).str.replace(",", "", regex=False).astype("float64")
texts = frame["ship_date"]
days = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
for layout in ["%d/%m/%Y", "%b %d %Y"]:
    unread = days.isna()
    days[unread] = pd.to_datetime(texts[unread], format=layout, errors="coerce")
frame["ship_date"] = days
for name in ["ship_mode", "instruct"]:
    frame[name] = frame[name].str.strip().str.lower()
frame["updated_at"] = pd.to_datetime(frame["updated_at"])

frame = frame.sort_values("updated_at", kind="stable").drop_duplicates(["order_id", "line"], keep="last")
frame["quantity"] = frame["quantity"].fillna(frame["quantity"].median())
frame["discount"] = frame["discount"].fillna(frame["discount"].mean())
frame["amount"] = frame["amount"].clip(frame["amount"].quantile(0.01), frame["amount"].quantile(0.99))
for name in ["amount", "quantity", "discount", "tax"]:
    frame[f"{name}_z"] = (frame[name] - frame[name].mean()) / frame[name].std()
frame.to_parquet(out / "sales.parquet", compression="zstd", index=False)

groups = frame.groupby(["ship_mode", "return_flag"])["amount"]
groups.agg(n="count", mean="mean", sum="sum", median="median").reset_index().to_parquet(out / "statistics.parquet", index=False)
