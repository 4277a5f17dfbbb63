"""Counts of failing rows for the checks of `validate`, from DuckDB and from Python's own parsers.

Usage: python validate_duckdb.py > ../data/oracle/validate.json
Needs: pip install duckdb (written with DuckDB 2.0.1)

Conditions on numbers, dates, keys, layouts and aggregates are SQL that DuckDB evaluates; forms of text are judged by `ipaddress`, `uuid`, `json`,
`datetime` and `str` of Python, or by hand where the library takes more than the check (e-mail, web addresses, telephone numbers).
"""

import csv
import datetime
import io
import ipaddress
import json
import random
import uuid

import duckdb

rng = random.Random(7)


def written(header, rows):
    out = io.StringIO()
    out.write(",".join(header) + "\n")
    for row in rows:
        out.write(",".join("" if v is None else '"' + str(v).replace('"', '""') + '"' for v in row) + "\n")
    return out.getvalue()


# --- texts: each is judged by hand or by a library
TEXTS = {
    # text: (e-mail, url, phone) by hand
    "ann@example.com": (1, 0, 0), "a.b+c@sub.example.co.uk": (1, 0, 0), "no-at.example.com": (0, 0, 0), "two@@example.com": (0, 0, 0),
    "host@localhost": (0, 0, 0), "space in@example.com": (0, 0, 0), "@example.com": (0, 0, 0), "ann@-bad.com": (0, 0, 0),
    "https://example.com": (0, 1, 0), "http://user@example.com:8080/a?b=c#d": (0, 1, 0), "ftp://files.example.com/x": (0, 1, 0),
    "https://[2001:db8::1]/": (0, 1, 0), "https://exa mple.com": (0, 0, 0), "www.example.com": (0, 0, 0), "http://": (0, 0, 0),
    "HTTP://EXAMPLE.COM": (0, 1, 0), "javascript:alert(1)": (0, 0, 0),
    "+41446681800": (0, 0, 1), "+0123": (0, 0, 0), "0041446681800": (0, 0, 0), "+1234567890123456": (0, 0, 0),
    "192.168.0.1": (0, 0, 0), "256.1.1.1": (0, 0, 0), "1.2.3": (0, 0, 0), "::1": (0, 0, 0), "2001:db8:0:0:0:0:2:1": (0, 0, 0),
    "2001:db8::2::1": (0, 0, 0), "fe80::1:2:3:4": (0, 0, 0), "::": (0, 0, 0), "1:2:3:4:5:6:7:8:9": (0, 0, 0), "::ffff:10.0.0.1": (0, 0, 0),
    "1:2:3:4:5:6:1.2.3.4": (0, 0, 0), "12345::": (0, 0, 0),
    "123e4567-e89b-12d3-a456-426614174000": (0, 0, 0), "123E4567-E89B-12D3-A456-426614174000": (0, 0, 0),
    "123e4567e89b12d3a456426614174000": (0, 0, 0), "123e4567-e89b-12d3-a456-42661417400g": (0, 0, 0),
    "{}": (0, 0, 0), "[1, 2, null]": (0, 0, 0), '{"a": {"b": [true]}}': (0, 0, 0), "{a: 1}": (0, 0, 0), "[1,]": (0, 0, 0), "nul": (0, 0, 0),
    '"text"': (0, 0, 0), "2024-02-29": (0, 0, 0), "2023-02-29": (0, 0, 0), "2024-2-9": (0, 0, 0), "20240229": (0, 0, 0),
    "2024-13-01": (0, 0, 0), "2024-02-29T12:30:00": (0, 0, 0), "2024-02-29 12:30:00.25": (0, 0, 0), "2024-02-29T12:30:00+02:00": (0, 0, 0),
    "2024-02-29T25:00:00": (0, 0, 0), "2023-02-29T12:00:00": (0, 0, 0), "2024-02-29T12:30": (0, 0, 0), "2024-02-29T12:60:00": (0, 0, 0),
    "007": (0, 0, 0), "12a": (0, 0, 0), "": (0, 0, 0), "   ": (0, 0, 0), " padded": (0, 0, 0), "tab\t": (0, 0, 0), "na\u00efve": (0, 0, 0),
    "lower case": (0, 0, 0), "UPPER CASE": (0, 0, 0), "Stra\u00dfe": (0, 0, 0), "12.5": (0, 0, 0), "-3": (0, 0, 0), "29.02.2024": (0, 0, 0),
    "31.04.2024": (0, 0, 0),
}
texts = list(TEXTS) + [None, None]


def parses(parser, *errors):
    def check(text):
        try:
            parser(text)
            return True
        except errors or (ValueError,):
            return False
    return check


def is_iso_date(text):
    return len(text) == 10 and parses(datetime.date.fromisoformat)(text)


def is_iso_datetime(text):
    return len(text) > 10 and text[10] in "T " and text[4] == "-" and parses(datetime.datetime.fromisoformat)(text)


TEXT_CASES = [
    ({"email": "t"}, lambda t: TEXTS[t][0] == 1),
    ({"url": "t"}, lambda t: TEXTS[t][1] == 1),
    ({"phone": "t"}, lambda t: TEXTS[t][2] == 1),
    ({"ip": "t"}, parses(ipaddress.ip_address)),
    ({"uuid": "t"}, lambda t: len(t) == 36 and parses(uuid.UUID)(t)),
    ({"json": "t"}, parses(json.loads)),
    ({"iso_date": "t"}, is_iso_date),
    ({"iso_datetime": "t"}, is_iso_datetime),
    ({"ascii": "t"}, str.isascii),
    ({"digits": "t"}, lambda t: t.isascii() and t.isdigit()),
    ({"trimmed": "t"}, lambda t: t == t.strip()),
    ({"lower_case": "t"}, lambda t: t == t.lower()),
    ({"upper_case": "t"}, lambda t: t == t.upper()),
    ({"not_blank": "t"}, lambda t: t.strip(" ") != ""),
    ({"length": {"column": "t", "min": 3, "max": 12}}, lambda t: 3 <= len(t) <= 12),
    ({"castable": {"column": "t", "type": "bigint"}}, parses(int)),
    ({"date_format": {"column": "t", "format": "%d.%m.%Y"}},
     lambda t: duckdb.execute("SELECT try_strptime(?, '%d.%m.%Y') IS NOT NULL", [t]).fetchone()[0]),
    ({"regex": {"column": "t", "pattern": "^[0-9]+$"}}, lambda t: t.isascii() and t.isdigit()),
    ({"not_regex": {"column": "t", "pattern": "[0-9]"}}, lambda t: not any(c in "0123456789" for c in t)),
    ({"like": {"column": "t", "pattern": "%example%"}}, lambda t: "example" in t),
    ({"not_like": {"column": "t", "pattern": "____"}}, lambda t: len(t) != 4),
]

# --- numbers: judged by DuckDB
ROWS = 400
numbers = []
for i in range(ROWS):
    a = None if rng.random() < 0.05 else rng.randrange(-5, 30)
    b = None if rng.random() < 0.05 else rng.randrange(0, 25)
    c = a + b if a is not None and b is not None and rng.random() < 0.8 else rng.randrange(0, 50)
    x = None if rng.random() < 0.03 else round(rng.gauss(10, 4), 2)
    day = None if rng.random() < 0.02 else datetime.date(2024, 1, 1) + datetime.timedelta(days=i // 2 + rng.choice([0, 0, 0, -3, 2]))
    group = rng.choice(["north", "north", "south", "east"])
    key = i if rng.random() < 0.95 else rng.randrange(ROWS)
    color = None if rng.random() < 0.1 else rng.choice(["red", "green", "blue", "teal"])
    numbers.append((i, key, a, b, c, x, day, group, color))
HEADER = ["id", "key", "a", "b", "c", "x", "day", "region", "color"]
others = [(k, region) for k in range(0, 30) for region in ("north", "south") if (k * 7) % 5 != 0]

con = duckdb.connect()
con.execute("CREATE TABLE t (id BIGINT, key BIGINT, a BIGINT, b BIGINT, c BIGINT, x DOUBLE, day DATE, region VARCHAR, color VARCHAR)")
con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", numbers)
con.execute("CREATE TABLE other (k BIGINT, region VARCHAR)")
con.executemany("INSERT INTO other VALUES (?, ?)", others)

# Failing rows, as a condition that is true for them.
ROW_CASES = [
    ({"not_null": "a"}, "a IS NULL"),
    ({"is_null": "color"}, "color IS NOT NULL"),
    ({"any_not_null": ["a", "color"]}, "a IS NULL AND color IS NULL"),
    ({"null_together": ["a", "b"]}, "(a IS NULL) <> (b IS NULL)"),
    ({"range": {"column": "a", "min": 0, "max": 20}}, "a < 0 OR a > 20"),
    ({"range": {"column": "x", "above": 5, "below": 15}}, "x <= 5 OR x >= 15"),
    ({"range": {"column": "day", "min": "2024-02-01"}}, "day < DATE '2024-02-01'"),
    ({"in": {"column": "color", "values": ["red", "green"]}}, "color NOT IN ('red', 'green')"),
    ({"not_in": {"column": "a", "values": [1, 2, 3]}}, "a IN (1, 2, 3)"),
    ({"pairs_in": {"columns": ["region", "color"], "values": [["north", "red"], ["south", "blue"]]}},
     "NOT ((region = 'north' AND color = 'red') OR (region = 'south' AND color = 'blue'))"),
    ({"greater": {"column": "a", "than": {"column": "b"}}}, "a <= b"),
    ({"at_least": {"column": "a", "than": 3}}, "a < 3"),
    ({"less": {"column": "a", "than": {"column": "x"}}}, "a >= x"),
    ({"at_most": {"column": "day", "than": "2024-04-01"}}, "day > DATE '2024-04-01'"),
    ({"equal": {"column": "a", "to": {"column": "b"}}}, "a <> b"),
    ({"not_equal": {"column": "color", "to": "teal"}}, "color = 'teal'"),
    ({"finite": "x"}, "NOT isfinite(x)"),
    ({"multiple_of": {"column": "a", "of": 5}}, "a % 5 <> 0"),
    ({"multiple_of": {"column": "x", "of": 0.05}}, "(CAST(round(x * 100) AS BIGINT) % 5) <> 0"),
    ({"expression": "a + b > 10 or color = 'red'"}, "NOT (a + b > 10 OR color = 'red')"),
    ({"columns_equal": ["a", "b"]}, "a IS DISTINCT FROM b"),
    ({"columns_differ": ["a", "b", "c"]}, "a = b OR b = c OR a = c"),
    ({"sum_of": {"columns": ["a", "b"], "equals": {"column": "c"}}}, "a + b <> c"),
    ({"unique": "key"}, "key IN (SELECT key FROM t GROUP BY key HAVING count(*) > 1)"),
    ({"unique": ["region", "color", "a"]}, "count(*) OVER (PARTITION BY region, color, a) > 1"),
    ({"references": {"columns": ["a"], "stage": "other", "to": ["k"]}}, "a IS NOT NULL AND a NOT IN (SELECT k FROM other)"),
    ({"references": {"columns": ["a", "region"], "stage": "other", "to": ["k", "region"]}},
     "a IS NOT NULL AND region IS NOT NULL AND NOT EXISTS (SELECT 1 FROM other o WHERE o.k = a AND o.region = t.region)"),
    ({"absent_from": {"columns": ["a"], "stage": "other", "to": ["k"]}}, "a IN (SELECT k FROM other)"),
    ({"not_in_future": "day"}, "day > DATE '2024-05-01'"),
    ({"not_older_than": {"column": "day", "age": "30 days"}}, "day < DATE '2024-05-01' - 30"),
    # Order: the row before is the last one with a value.
    ({"increasing": {"column": "day"}}, "day < lag(day IGNORE NULLS) OVER (ORDER BY id)"),
    ({"increasing": {"column": "id", "strict": True}}, "false"),
    ({"decreasing": {"column": "x"}}, "x > lag(x IGNORE NULLS) OVER (ORDER BY id)"),
    ({"increasing": {"column": "day"}, "by": "region"}, "day < lag(day IGNORE NULLS) OVER (PARTITION BY region ORDER BY id)"),
]
# The same with preconditions: failing among those that are looked at.
WHERE_CASES = [
    ({"not_null": "color", "where": "a > 10"}, "color IS NULL", "a > 10"),
    ({"unique": "key", "where": "region = 'north'"}, "count(*) OVER (PARTITION BY key) > 1", "region = 'north'"),
    ({"range": {"column": "x", "min": 8}, "where": "region <> 'east' and b is not null"}, "x < 8", "region <> 'east' AND b IS NOT NULL"),
    ({"references": {"columns": ["a"], "stage": "other", "to": ["k"]}, "where": "region = 'south'"},
     "a IS NOT NULL AND a NOT IN (SELECT k FROM other)", "region = 'south'"),
]
# Groups that fail.
GROUP_CASES = [
    ({"range": {"column": "a", "min": 0}, "by": "region", "warn": "15%"}, "region", "count(*) FILTER (WHERE a < 0) > 0.15 * count(*)"),
    ({"not_null": "a", "by": ["region", "color"], "warn": 1}, "region, color", "count(*) FILTER (WHERE a IS NULL) > 1"),
    ({"mean": {"column": "x", "min": 9.9}, "by": "region"}, "region", "avg(x) < 9.9"),
    ({"rows": {"min": 30}, "by": "color"}, "color", "count(*) < 30"),
]
# Aggregates: whether it holds, one way and the other.
VALUE_CASES = []
for name, sql in [("min", "min(x)"), ("max", "max(x)"), ("mean", "avg(x)"), ("median", "median(x)"), ("sum", "sum(x)"), ("stddev", "stddev_samp(x)"),
                  ("null_share", "count(*) FILTER (WHERE x IS NULL) / count(*)"), ("distinct_count", "count(DISTINCT x)"),
                  ("distinct_share", "count(DISTINCT x) / count(x)")]:
    value = con.execute(f"SELECT CAST({sql} AS DOUBLE) FROM t").fetchone()[0]
    VALUE_CASES.append(({name: {"column": "x", "min": value - 1e-6, "max": value + 1e-6}}, True))
    VALUE_CASES.append(({name: {"column": "x", "min": value + 1e-6}}, False))
for q in (0.1, 0.9):
    value = con.execute(f"SELECT quantile_cont(x, {q}) FROM t").fetchone()[0]
    VALUE_CASES.append(({"quantile": {"column": "x", "q": q, "min": value - 1e-6, "max": value + 1e-6}}, True))
    VALUE_CASES.append(({"quantile": {"column": "x", "q": q, "max": value - 1e-6}}, False))
value = con.execute("SELECT corr(a, c) FROM t").fetchone()[0]
VALUE_CASES.append(({"correlation": {"columns": ["a", "c"], "min": value - 1e-6, "max": value + 1e-6}}, True))
mode = con.execute("SELECT color FROM t WHERE color IS NOT NULL GROUP BY color ORDER BY count(*) DESC LIMIT 1").fetchone()[0]
VALUE_CASES.append(({"most_common": {"column": "color", "values": [mode]}}, True))
VALUE_CASES.append(({"most_common": {"column": "color", "values": ["violet"]}}, False))
value = con.execute("SELECT count(*) FILTER (WHERE a > 5) / count(*) FROM t").fetchone()[0]
VALUE_CASES.append(({"share": {"of": "a > 5", "min": value - 1e-6, "max": value + 1e-6}}, True))
colors = [row[0] for row in con.execute("SELECT DISTINCT color FROM t WHERE color IS NOT NULL ORDER BY 1").fetchall()]
VALUE_CASES += [
    ({"values_equal": {"column": "color", "values": colors}}, True), ({"values_equal": {"column": "color", "values": colors[1:]}}, False),
    ({"values_equal": {"column": "color", "values": colors + ["pink"]}}, False),
    ({"values_contain": {"column": "color", "values": colors[:2]}}, True), ({"values_contain": {"column": "color", "values": ["pink"]}}, False),
    ({"values_within": {"column": "color", "values": colors + ["pink"]}}, True),
    ({"values_within": {"column": "color", "values": colors[1:]}}, False),
    ({"aggregate": "sum(a) < sum(c) and count(*) = 400"}, True), ({"aggregate": "sum(a) > sum(c)"}, False),
    ({"rows": {"exactly": ROWS}}, True), ({"rows": {"max": ROWS - 1}}, False),
    ({"same_rows_as": {"stage": "twin"}}, True), ({"same_rows_as": {"stage": "other"}}, False),
    ({"same_total_as": {"column": "a", "stage": "twin"}}, True), ({"same_total_as": {"column": "a", "stage": "twin", "to": "b"}}, False),
    ({"fresh": {"column": "day", "age": "14 days"}}, con.execute("SELECT max(day) >= DATE '2024-07-20' - 14 FROM t").fetchone()[0]),
    ({"has_columns": ["a", "day"]}, True), ({"has_columns": ["a", "nope"]}, False), ({"no_columns": "nope"}, True), ({"no_columns": "a"}, False),
    ({"only_columns": {"columns": HEADER, "ordered": True}}, True), ({"only_columns": {"columns": HEADER[::-1], "ordered": True}}, False),
    ({"only_columns": {"columns": HEADER[::-1]}}, True), ({"only_columns": {"columns": HEADER[1:]}}, False),
    ({"column_types": {"a": "bigint", "day": "date", "x": "double"}}, True), ({"column_types": {"a": "double"}}, False),
    ({"column_count": {"exactly": 9}}, True), ({"column_count": {"max": 8}}, False),
]


def rows():
    for check, condition in ROW_CASES:
        order = "increasing" in check or "decreasing" in check
        column = next(iter(check.values()))["column"] if order else None
        failing = con.execute(f"SELECT count(*) FILTER (WHERE f) FROM (SELECT ({condition}) AS f FROM t)").fetchone()[0]
        of = con.execute(f"SELECT count({column}) FROM t").fetchone()[0] if order else ROWS
        yield {"table": "numbers", "check": check, "failing": failing, "of": of}
    for check, condition, where in WHERE_CASES:
        of, failing = con.execute(
            f"SELECT count(*), count(*) FILTER (WHERE f) FROM (SELECT ({condition}) AS f FROM t WHERE {where})").fetchone()
        yield {"table": "numbers", "check": check, "failing": failing, "of": of}
    for check, judge in TEXT_CASES:
        failing = sum(1 for text in texts if text is not None and not judge(text))
        yield {"table": "texts", "check": check, "failing": failing, "of": len(texts)}


def groups():
    for check, by, condition in GROUP_CASES:
        of, failing = con.execute(
            f"SELECT count(*), count(*) FILTER (WHERE f) FROM (SELECT ({condition}) AS f FROM t GROUP BY {by})").fetchone()
        yield {"table": "numbers", "check": check, "failing": failing, "of": of}


def values():
    for check, holds in VALUE_CASES:
        yield {"table": "numbers", "check": check, "holds": bool(holds)}


tables = {
    "texts": written(["t"], [(text,) for text in texts]),
    "numbers": written(HEADER, numbers),
    "other": written(["k", "region"], others),
}
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(text)}" for name, text in tables.items())
sections = {"rows": rows(), "groups": groups(), "values": values()}
cases = ",\n".join(
    json.dumps(name) + ": [\n" + ",\n".join(json.dumps(case) for case in found) + "\n]" for name, found in sections.items())
print("{\n" + lines + ",\n" + cases + "\n}")
