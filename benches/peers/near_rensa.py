"""usage: near_rensa.py TEXTS.csv THRESHOLD BANDS OUT.json: near duplicates with rensa (128 permutations, word 3-shingles), verified exactly."""

import csv
import json
import re
import sys

from rensa import RMinHash, RMinHashLSH

path, threshold, bands, out = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with open(path, newline="") as file:
    texts = [row["text"] for row in csv.DictReader(file)]


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


sets = [shingles(text) for text in texts]
index = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=bands)
sketches = []
for number, own in enumerate(sets):
    sketch = RMinHash(num_perm=128, seed=42)
    sketch.update(list(own))
    sketches.append(sketch)
    index.insert(number, sketch)
pairs = 0
for one, sketch in enumerate(sketches):
    for other in index.query(sketch):
        if other > one and len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= threshold:
            pairs += 1
json.dump({"pairs": pairs}, open(out, "w"))
