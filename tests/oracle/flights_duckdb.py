"""Computes with DuckDB what the report of pipelines/flights.yaml must show, and writes tests/data/oracle/flights.json.

Usage, in the root of the repository: python tests/oracle/flights_duckdb.py
Needs the PyPI packages duckdb, numpy and scikit-learn (the last for an independent network, a yardstick of the model).

It reads sample-data/flights and knows the pipeline only by what its file says; nothing of gristmill runs here.
"""

import json
import pathlib
import sys

import duckdb
import numpy
import sklearn
from sklearn import metrics
from sklearn.neural_network import MLPClassifier

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "sample-data" / "flights"
LATE_AFTER = 15
SALT = "split 0"
RANK_ERROR = 0.0013  # what the documentation of `describe` promises, beyond 131,072 values

connection = duckdb.connect()
connection.execute("set timezone = 'UTC'; set threads = 1; set preserve_insertion_order = true")


def rows(sql):
    return connection.execute(sql).fetchall()


def records(sql):
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def one(sql):
    return rows(sql)[0][0]


def load():
    for name in ["airlines.csv", "planes.csv", "airports.csv", "weather.csv.gz", "flights.csv.gz"]:
        table = name.split(".")[0]
        connection.execute(f"create table {table} as from read_csv('{DATA / name}', nullstr = 'NA', sample_size = -1)")


def prepare():
    connection.execute(f"""
    create table enriched as
    with joined as (
      select f.*, regexp_replace(trim(a.name), '\\s+(Inc\\.|Co\\.|Corporation)$', '') as airline,
        p.year as plane_year, p.engines, p.seats, d.name as dest_name,
        w.temp as temperature, w.humid as humidity,
        case when w.wind_speed between 0 and 150 then w.wind_speed end as wind_speed,
        w.precip as rain, w.pressure, w.visib as visibility
      from flights f
      left join airlines a on f.carrier = a.carrier
      left join planes p on f.tailnum = p.tailnum
      left join airports d on f.dest = d.faa
      left join weather w on f.origin = w.origin and f.time_hour = w.time_hour
    )
    select *, make_date(year, month, day) as date, dayname(make_date(year, month, day)) as weekday,
      case when month in (12, 1, 2) then 'winter' when month in (3, 4, 5) then 'spring'
           when month in (6, 7, 8) then 'summer' else 'autumn' end as season,
      case when hour < 10 then 'morning' when hour < 14 then 'midday' when hour < 18 then 'afternoon' else 'evening' end as part_of_day,
      case when rain > 0 then 'rain' when visibility < 5 then 'fog' when visibility >= 5 then 'clear' end as sky,
      year - plane_year as aircraft_age, dep_time is null as cancelled, arr_delay > {LATE_AFTER} as late
    from joined
    """)
    # hash(salt, date) of docs/expressions.md: texts joined by U+001F through MD5, the first 15 hexadecimal digits.
    digest = f"md5('{SALT}' || chr(31) || strftime(date, '%Y-%m-%d'))"
    connection.execute(f"""
    create table ready as
    with placed as (
      select *, ('0x' || left({digest}, 15))::bigint / (2::double ** 60) as position from enriched where arr_delay is not null
    )
    select * exclude (position),
      case when position < 0.7 then 'train' when position < 0.7 + 0.15 then 'valid' else 'test' end as part
    from placed
    """)


def ledger():
    """Rows out of stages, and the changes that have a reason."""
    count = {table: one(f"select count(*) from {table}") for table in ["airlines", "planes", "airports", "weather", "flights", "enriched", "ready"]}
    out = {
        "airline_names": count["airlines"], "airlines": count["airlines"], "registry": count["planes"], "planes": count["planes"],
        "airports": count["airports"], "observations": count["weather"], "believable": count["weather"], "weather": count["weather"],
        "flights": count["flights"], "expected": count["flights"], "enriched": count["enriched"], "arrived": count["ready"],
        "ready": count["ready"], "by_carrier": one("select count(distinct carrier) from enriched"),
        "by_month": one("select count(distinct (month, origin)) from enriched"),
        "usual": one("select count(*) from ready where dep_delay < 240 and sky is not null"), "some": 4000, "filled": count["ready"], "bounded": count["ready"],
        "scaled": count["ready"],
    }
    unmatched = {
        other: one(f"select count(*) from flights anti join {other} using ({keys})") if other != "airports"
        else one("select count(*) from flights f anti join airports a on f.dest = a.faa")
        for other, keys in [("airlines", "carrier"), ("planes", "tailnum"), ("airports", ""), ("weather", "origin, time_hour")]
    }
    warned = {
        "tailnum is not null": one("select count(*) from flights where tailnum is null"),
        "distance is from 50 to 5000": one("select count(*) from flights where not (distance between 50 and 5000)"),
        "nobody leaves an hour early or twelve hours late": one("select count(*) from flights where not (dep_delay between -60 and 720)"),
        "wind_speed is from 0 to 150": one("select count(*) from weather where not (wind_speed between 0 and 150)"),
        "temp is from -40 to 120": one("select count(*) from weather where not (temp between -40 and 120)"),
    }
    keys = one("select count(distinct (carrier, flight, origin, time_hour)) from flights")
    return {
        "out": out,
        "unmatched": unmatched,
        "warned": warned,
        "merged": count["flights"] - keys,
        "without_arrival": one("select count(*) from enriched where arr_delay is null"),
    }


def described():
    numbers = ["dep_delay", "arr_delay", "distance", "aircraft_age", "seats", "temperature", "wind_speed", "visibility"]
    texts = ["carrier", "origin", "dest", "sky"]
    found = {}
    for name in numbers:
        summary = records(f"""
        select count({name}) as n, count(*) - count({name}) as nulls, count(distinct {name}) as n_distinct, avg({name}) as mean,
          stddev_samp({name}) as sd, min({name})::double as min, max({name})::double as max, skewness({name}) as skewness, kurtosis({name}) as kurtosis
        from ready""")[0]
        error = RANK_ERROR if summary["n"] > 131_072 else 0.0
        summary["quantiles"] = {
            label: [one(f"select quantile_cont({name}, {at - error})::double from ready"), one(f"select quantile_cont({name}, {at + error})::double from ready")]
            for label, at in [("25 %", 0.25), ("median", 0.5), ("75 %", 0.75)]
        }
        found[name] = summary
    for name in texts:
        found[name] = {
            "n": one(f"select count({name}) from ready"), "nulls": one(f"select count(*) - count({name}) from ready"),
            "n_distinct": one(f"select count(distinct {name}) from ready"),
            "top": rows(f"select {name}, count(*) from ready where {name} is not null group by 1 order by 2 desc, 1 limit 3"),
        }
    return found


def correlated():
    names = ["arr_delay", "dep_delay", "distance", "hour", "month", "aircraft_age", "temperature", "humidity", "wind_speed", "pressure", "visibility"]
    pairs = [(a, b) for at, a in enumerate(names) for b in names[at + 1:]]
    return [
        {"a": a, "b": b, "correlation": one(f"select corr({a}, {b}) from ready"), "rows": one(f"select count(*) from ready where {a} is not null and {b} is not null")}
        for a, b in pairs
    ]


def rules():
    """All rules `antecedent => late=true` by counting every combination of the six columns: no search, nothing pruned."""
    columns = ["carrier", "origin", "weekday", "season", "part_of_day", "sky"]
    total = one("select count(*) from ready where part = 'train'")
    base = {late: one(f"select count(*) from ready where part = 'train' and late = {late}") / total for late in ["true", "false"]}
    names = ", ".join(columns)
    groups = ", ".join(f"grouping({name}) = 0 as has_{name}" for name in columns)
    counted = records(f"""
    select {names}, {groups}, count(*) as antecedent, count(*) filter (where late) as yes, count(*) filter (where not late) as no
    from ready where part = 'train' group by cube ({names})""")
    found = []
    for group in counted:
        used = [name for name in columns if group[f"has_{name}"]]
        if not used or any(group[name] is None for name in used):
            continue
        for late, both in [("true", group["yes"]), ("false", group["no"])]:
            support, confidence = both / total, both / group["antecedent"]
            lift = confidence / base[late]
            if support >= 0.005 and confidence >= 0.35 and lift >= 1.5:
                items = [f"{name}={group[name]}" for name in used]
                found.append({"when": sorted(items), "then": f"late={late}", "support": support, "confidence": confidence, "lift": lift, "rows": both})
    found.sort(key=lambda rule: (-rule["lift"], rule["when"]))
    return {"rows_mined": total, "number": len(found), "rules": found[:40]}


def learned():
    """Fills, bounds and scales, from the training days alone."""
    train = "from ready where part = 'train'"
    fills = {name: one(f"select median({name}) {train}") for name in ["aircraft_age", "seats", "wind_speed", "visibility"]}
    fills |= {name: one(f"select avg({name}) {train}") for name in ["temperature", "humidity", "pressure"]}
    fills["sky"] = one(f"select sky {train} and sky is not null group by sky order by count(*) desc, sky limit 1")
    connection.execute(f"""
    create table filled as
    with groups as (select carrier, median(aircraft_age) as age, median(seats) as seats_of {train} group by carrier),
    bounds as (select quantile_cont(dep_delay, 0.001) as low, quantile_cont(dep_delay, 0.995) as high {train})
    select r.* replace (
        coalesce(aircraft_age, age, {fills['aircraft_age']}) as aircraft_age, coalesce(seats, seats_of, {fills['seats']}) as seats,
        coalesce(temperature, {fills['temperature']!r}) as temperature, coalesce(humidity, {fills['humidity']!r}) as humidity,
        coalesce(wind_speed, {fills['wind_speed']!r}) as wind_speed, coalesce(rain, 0) as rain,
        coalesce(pressure, {fills['pressure']!r}) as pressure, coalesce(visibility, {fills['visibility']!r}) as visibility,
        coalesce(sky, '{fills['sky']}') as sky,
        greatest(low, least(high, dep_delay::double)) as dep_delay
      ), r.aircraft_age is null as aircraft_age_unknown
    from ready r left join groups using (carrier), bounds
    """)
    bounds = rows(f"select quantile_cont(dep_delay, 0.001), quantile_cont(dep_delay, 0.995) {train}")[0]
    scaled = ["dep_delay", "distance", "hour", "aircraft_age", "seats", "temperature", "humidity", "wind_speed", "rain", "pressure", "visibility"]
    scales = {name: rows(f"select avg({name}), stddev_samp({name}) from filled where part = 'train'")[0] for name in scaled}
    missing = {name: one(f"select count(*) - count({name}) from ready") for name in ["aircraft_age", "seats", "temperature", "humidity", "wind_speed", "rain", "pressure", "visibility", "sky"]}
    return {"fills": fills, "missing": missing, "bounds": bounds, "scales": scales}


def yardstick(scales):
    """A network of the same size by scikit-learn on the same inputs: what a sound model reaches on these days."""
    numbers = list(scales)
    categories = ["carrier", "origin", "dest", "season", "weekday", "sky"]
    columns = ", ".join(numbers + ["aircraft_age_unknown", "late", "part"] + categories)
    table = connection.execute(f"select {columns} from filled order by carrier, flight, origin, time_hour").fetchnumpy()
    parts = [(numpy.asarray(table[name], dtype="float64") - scales[name][0]) / scales[name][1] for name in numbers]
    parts.append(numpy.asarray(table["aircraft_age_unknown"], dtype="float64"))
    train = table["part"] == "train"
    for name in categories:
        values = table[name]
        for value in sorted(set(values[train])):
            parts.append((values == value).astype("float64"))
    inputs, late = numpy.stack(parts, axis=1).astype("float32"), numpy.asarray(table["late"], dtype=bool)
    test = table["part"] == "test"
    network = MLPClassifier((64, 32), batch_size=256, max_iter=4, random_state=1)
    network.fit(inputs[train], late[train])
    probability = network.predict_proba(inputs[test])[:, 1]
    truth = late[test]
    share = late[train].mean()
    return {
        "rows": int(test.sum()),
        "late": int(truth.sum()),
        "baseline": {
            "accuracy": float((~truth).mean()),
            "log loss": float(metrics.log_loss(truth, numpy.full(len(truth), share))),
            "Brier score": float(metrics.brier_score_loss(truth, numpy.full(len(truth), share))),
        },
        "yardstick": {
            "accuracy": float(((probability >= 0.5) == truth).mean()),
            "ROC AUC": float(metrics.roc_auc_score(truth, probability)),
            "average precision": float(metrics.average_precision_score(truth, probability)),
            "log loss": float(metrics.log_loss(truth, probability)),
            "Brier score": float(metrics.brier_score_loss(truth, probability)),
        },
    }


def main():
    load()
    prepare()
    found = {
        "made_by": f"tests/oracle/flights_duckdb.py, duckdb {duckdb.__version__}, scikit-learn {sklearn.__version__}",
        "ledger": ledger(),
        "parts": dict(rows("select part, count(*) from ready group by 1")),
        "described": described(),
        "correlated": correlated(),
        "rules": rules(),
        "learned": learned(),
        "by_carrier": records("""
        select carrier, any_value(airline) as airline, count(*) as flights, avg(cancelled::int) as cancelled, avg(late::int) as late,
          avg(arr_delay) as mean_delay, median(arr_delay) as median_delay, quantile_cont(arr_delay, 0.9) as p90_delay
        from enriched group by 1 order by late desc"""),
        "by_month": records("""
        select month, origin, count(*) as flights, avg(cancelled::int) as cancelled, avg(late::int) as late, avg(dep_delay) as mean_departure_delay
        from enriched group by 1, 2 order by 1, 2"""),
    }
    if "--without-network" not in sys.argv:
        found["model"] = yardstick(found["learned"]["scales"])
    target = ROOT / "tests" / "data" / "oracle" / "flights.json"
    target.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
