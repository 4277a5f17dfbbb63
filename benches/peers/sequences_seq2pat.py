"""usage: sequences_seq2pat.py SEQUENCES.csv SUPPORT MAX_GAP OUT.ndjson: frequent sequences by Seq2Pat; a gap of 0 is none."""

import csv
import json
import math
import sys

from sequential.seq2pat import Attribute, Seq2Pat

path, support, gap, out = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
sequences = {}
with open(path, newline="") as file:
    for row in csv.DictReader(file):
        sequences.setdefault(row["sequence"], []).append((int(row["position"]), int(row["event"])))
rows = [[event for _, event in sorted(sequence)] for sequence in sequences.values()]
search = Seq2Pat(rows, max_span=None)
if gap:
    search.add_constraint(1 <= Attribute([list(range(len(row))) for row in rows]).gap() <= gap)
with open(out, "w") as file:
    for pattern in search.get_patterns(min_frequency=math.ceil(support * len(rows) - 1e-9)):
        file.write(json.dumps({"elements": pattern[:-1], "count": pattern[-1]}) + "\n")
