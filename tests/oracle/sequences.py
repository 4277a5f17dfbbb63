"""Frequent sequential patterns of real data by PrefixSpan (PyPI prefixspan) and by Seq2Pat, for src/mining/sequences/tests.rs.

    python tests/oracle/sequences.py     # writes tests/data/oracle/sequences.json

Data: the airports that an aircraft flies to from New York in the first days of 2013 (sample-data/flights), and the carriers' late
flights hour by hour, as events with times in minutes.
"""

import collections
import csv
import gzip
import json
import pathlib

from prefixspan import PrefixSpan
from sequential.seq2pat import Attribute, Seq2Pat

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(days, most):
    """For each aircraft its destinations in order with their times; the `most` aircraft with the most flights."""
    flown = collections.defaultdict(list)
    with gzip.open(ROOT / "sample-data/flights/flights.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["month"] != "1" or int(row["day"]) > days or row["dep_time"] in ("", "NA"):
                continue
            clock = int(row["dep_time"])
            minutes = (int(row["day"]) - 1) * 1440 + clock // 100 * 60 + clock % 100
            flown[row["tailnum"]].append((minutes, row["dest"]))
    chosen = sorted(flown, key=lambda tail: (-len(flown[tail]), tail))[:most]
    return [sorted(flown[tail]) for tail in chosen]


def coded(sequences):
    names = sorted({name for sequence in sequences for _, name in sequence})
    number = {name: at for at, name in enumerate(names, 1)}
    return [{"events": [number[name] for _, name in sequence], "times": [time for time, _ in sequence]} for sequence in sequences]


def case(name, database, timed, options, patterns):
    return {"name": name, "database": database, "timed": timed, "options": options, "patterns": sorted([int(n) for n in pattern] for pattern in patterns)}


def prefixspan(rows, minimum, closed=False, **lengths):
    search = PrefixSpan([row["events"] for row in rows])
    search.minlen, search.maxlen = lengths.get("min_length", 1), lengths.get("max_length", 1000)
    found = [(count, tuple(pattern)) for count, pattern in search.frequent(minimum)]
    if closed:
        # The program's own `closed=True` keeps patterns that a longer one of equal support contains, so the definition is applied here.
        found = [(count, pattern) for count, pattern in found if not any(count == more and pattern != other and within(pattern, other) for more, other in found)]
    return [[count, *pattern] for count, pattern in found]


def within(shorter, longer):
    rest = iter(longer)
    return all(event in rest for event in shorter)


def seq2pat(rows, minimum, min_gap=None, max_gap=None, max_span=None, timed=False):
    """Seq2Pat reports patterns of two events and more."""
    search = Seq2Pat([row["events"] for row in rows], max_span=None)
    values = [row["times"] if timed else list(range(len(row["events"]))) for row in rows]
    place = Attribute(values)
    if min_gap is not None or max_gap is not None:
        search.add_constraint((0 if min_gap is None else min_gap) <= place.gap() <= (10**9 if max_gap is None else max_gap))
    if max_span is not None:
        search.add_constraint(0 <= place.span() <= max_span)
    return [[pattern[-1], *pattern[:-1]] for pattern in search.get_patterns(min_frequency=minimum)]


def main():
    databases = {"airports": coded(read(6, 120)), "long": coded(read(14, 40))}
    airports, long = databases["airports"], databases["long"]
    cases = [
        case("prefixspan, all", "airports", False, {"minimum": 12}, prefixspan(airports, 12)),
        case("prefixspan, closed", "airports", False, {"minimum": 8, "closed": True}, prefixspan(airports, 8, closed=True)),
        case("prefixspan, lengths", "long", False, {"minimum": 8, "min_length": 2, "max_length": 3}, prefixspan(long, 8, min_length=2, max_length=3)),
        case("seq2pat, without limits", "airports", False, {"minimum": 6, "min_length": 2}, seq2pat(airports, 6)),
        case("seq2pat, neighbours", "long", False, {"minimum": 3, "min_length": 2, "max_gap": 1}, seq2pat(long, 3, max_gap=1)),
        case("seq2pat, gaps of two to four", "long", False, {"minimum": 6, "min_length": 2, "min_gap": 2, "max_gap": 4}, seq2pat(long, 6, min_gap=2, max_gap=4)),
        case("seq2pat, six to eighteen hours", "long", True, {"minimum": 4, "min_length": 2, "min_gap": 360, "max_gap": 1080}, seq2pat(long, 4, 360, 1080, timed=True)),
        case("seq2pat, within two days", "long", True, {"minimum": 6, "min_length": 2, "max_span": 2880}, seq2pat(long, 6, max_span=2880, timed=True)),
        case("seq2pat, a day apart at most and within three", "long", True, {"minimum": 6, "min_length": 2, "max_gap": 1440, "max_span": 4320}, seq2pat(long, 6, max_gap=1440, max_span=4320, timed=True)),
    ]
    for one in cases:
        print(one["name"], len(one["patterns"]))
    path = ROOT / "tests/data/oracle/sequences.json"
    path.write_text(json.dumps({"databases": databases, "cases": cases}, separators=(",", ":")) + "\n")
    print(path.stat().st_size)


main()
