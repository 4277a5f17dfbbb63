"""STL by statsmodels or change points by ruptures, of hourly series by group.

usage: trends_python.py stl|pelt WEATHER.csv OUT.parquet PENALTY
"""

import sys

import pandas as pd

what, source, out, penalty = sys.argv[1:]
table = pd.read_csv(source)
table["at"] = pd.to_datetime(table["at"], utc=True)
parts = []
for origin, rows in table.groupby("origin"):
    series = rows.set_index("at")["temp"].resample("1h").mean().interpolate()
    part = pd.DataFrame({"origin": origin, "time": series.index, "value": series.to_numpy()})
    if what == "stl":
        from statsmodels.tsa.seasonal import STL

        found = STL(series.to_numpy(), period=24, seasonal=11, robust=True).fit()
        part["trend"], part["season"], part["remainder"] = found.trend, found.seasonal, found.resid
    else:
        import ruptures

        ends = ruptures.Pelt(model="l2", min_size=24, jump=1).fit(series.to_numpy()).predict(pen=float(penalty))
        part["change_point"] = False
        part.loc[ends[:-1], "change_point"] = True
    parts.append(part)
pd.concat(parts).to_parquet(out)
