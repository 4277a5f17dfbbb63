"""Stores what pandas says of the sample flights, for tests/it/profile.rs.

usage: python tests/oracle/profile_pandas.py (from the root of the repository; pandas, numpy)
"""

import json
import math
import pathlib

import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBABILITIES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]

frame = pd.read_csv(ROOT / "sample-data/flights/flights.csv.gz", na_values=["NA"])
columns = {}
for name in frame.columns:
    column = frame[name]
    entry = {"nulls": int(column.isna().sum()), "distinct": int(column.nunique())}
    if name != "time_hour":
        counts = column.value_counts()
        if len(counts) > 1 and counts.iloc[0] > counts.iloc[1]:
            value = counts.index[0]
            value = str(value if isinstance(value, str) else int(value) if float(value).is_integer() else value)
            entry["top"] = [value, int(counts.iloc[0])]
    if pd.api.types.is_numeric_dtype(column):
        numbers = {
            "mean": column.mean(),
            "sd": column.std(),
            "skewness": column.skew(),
            "kurtosis": column.kurt(),
            "min": column.min(),
            "max": column.max(),
        }
        # pandas gives 0 for the skewness of a constant, where it is not defined.
        constant = column.nunique() < 2
        entry |= {key: None if constant and key in ("skewness", "kurtosis") or math.isnan(value) else float(value) for key, value in numbers.items()}
        entry["quantiles"] = [float(value) for value in column.quantile(PROBABILITIES)]
    columns[name] = entry

numeric = frame.select_dtypes("number")
pairs = [("dep_delay", "arr_delay"), ("air_time", "distance"), ("dep_time", "hour"), ("month", "dep_delay")]
stored = {
    "rows": len(frame),
    "duplicates": int(frame.duplicated().sum()),
    "complete_rows": int(frame.notna().all(axis=1).sum()),
    "columns": columns,
    "correlations": [[left, right, float(numeric[left].corr(numeric[right]))] for left, right in pairs],
}
(ROOT / "tests/data/oracle/profile_pandas.json").write_text(json.dumps(stored, indent=1) + "\n")
