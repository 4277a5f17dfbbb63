"""usage: trends.py FOLDER [--years N] [--jump-years N] [--rounds N] [--peers PYTHON]: STL and change points of hourly series, from the file to the tables.

Makes the series in FOLDER: the hourly temperatures of the three airports of New York in 2013, N years in a row (each year a little
warmer), and runs three programs over them. All read the same CSV, resample to hours and fill gaps by straight lines.

- robust STL with a season of 24 and a window of 11, by gristmill and by statsmodels
- jumps of the level by PELT with the same penalty, by gristmill and by ruptures

gristmill does more in both: autocorrelations, periodogram, trend tests and their report. The trends and the change points found are
compared. Jumps are searched in fewer years, because ruptures' time grows with the square of the length.
"""

import argparse
import json
import pathlib
import sys

import comparison

PENALTY = 20000.0


def make(path, years):
    """The weather of 2013 again and again, each time 0.2 degrees warmer."""
    import pandas as pd

    weather = pd.read_csv(comparison.ROOT / "sample-data" / "flights" / "weather.csv.gz", na_values=["NA"])
    weather["at"] = pd.to_datetime(weather["time_hour"], utc=True)
    parts = []
    for year in range(years):
        part = weather[["origin", "at", "temp"]].copy()
        part["at"] += pd.Timedelta(days=365 * year)
        part["temp"] += 0.2 * year
        parts.append(part)
    table = pd.concat(parts)
    table["at"] = table["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    table.to_csv(path, index=False)


def pipeline(folder, name, source, options):
    path = folder / f"{name}.yaml"
    stages = [
        {"read": {"path": source.name}},
        {"trends": {"time": "at", "value": "temp", "by": "origin", "every": "hour", "fill": "linear", **options}, "id": "series"},
        {"write": {"path": f"{name}_gristmill.parquet"}},
    ]
    path.write_text(json.dumps({"name": name, "stages": stages}))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--jump-years", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    peer = comparison.FOLDER / "peers" / "trends_python.py"
    import pandas as pd

    for name, title, years, theirs, options in [
        ("stl", "robust STL of hourly temperatures", given.years, "statsmodels", {"period": 24, "change_points": {"penalty": "none"}}),
        ("pelt", "jumps of the level of hourly temperatures", given.jump_years, "ruptures", {"period": "none", "change_points": {"penalty": PENALTY, "shortest": 24}}),
    ]:
        source = folder / f"weather_{years}.csv"
        make(source, years)
        words = [comparison.GRISTMILL, "run", pipeline(folder, name, source, options), "--no-cache", "--memory", "4GiB"]
        measured = comparison.compare(
            [
                comparison.Program("gristmill", words, folder=folder),
                comparison.Program(theirs, [given.peers, peer, name, source, folder / f"{name}_peer.parquet", PENALTY]),
            ],
            given.rounds,
        )
        ours, peers = (pd.read_parquet(folder / f"{name}_{who}.parquet").sort_values(["origin", "time"]) for who in ["gristmill", "peer"])
        assert len(ours) == len(peers)
        if name == "stl":
            far = (ours["trend"].to_numpy() - peers["trend"].to_numpy())
            assert abs(far).max() < 1e-9 * abs(peers["trend"]).max(), abs(far).max()
        else:
            assert (ours["change_point"].to_numpy() == peers["change_point"].to_numpy()).all()
        found = f"{len(ours):,} hours in three series; " + ("the trends agree to 1e-9" if name == "stl" else f"the same {int(peers['change_point'].sum())} change points")
        comparison.store(f"trends_{name}", f"{title}, {years} year{'s' if years > 1 else ''}", measured, note=f"{found}.")


if __name__ == "__main__":
    main()
