"""usage: sequences_prefixspan.py SEQUENCES.csv SUPPORT 0 OUT.ndjson: frequent sequences of two events and more by PyPI prefixspan."""

import csv
import json
import math
import sys

from prefixspan import PrefixSpan

path, support, out = sys.argv[1], float(sys.argv[2]), sys.argv[4]
sequences = {}
with open(path, newline="") as file:
    for row in csv.DictReader(file):
        sequences.setdefault(row["sequence"], []).append((int(row["position"]), int(row["event"])))
rows = [[event for _, event in sorted(sequence)] for sequence in sequences.values()]
search = PrefixSpan(rows)
search.minlen = 2
with open(out, "w") as file:
    for count, pattern in search.frequent(math.ceil(support * len(rows) - 1e-9)):
        file.write(json.dumps({"elements": pattern, "count": count}) + "\n")
