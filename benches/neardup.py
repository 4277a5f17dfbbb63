"""usage: neardup.py REVIEWS.csv[.gz] FOLDER [--texts N] [--rounds N] [--peers PYTHON]: near duplicates among seeded edits of reviews.

Makes the texts in FOLDER, finds all pairs of Jaccard similarity 0.8 by brute force (an inverted index of rare shingles, exact),
runs gristmill and rensa side by side, and compares the pairs that they found. Nothing that is found can be wrong, because all of
them compare exactly; so recall is the share of the pairs of the brute force.
"""

import argparse
import array
import collections
import csv
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import sys

import comparison

THRESHOLD = 0.8
SEED = 20240607


def words(text):
    return re.findall(r"\w+", text.lower())


def reviews(path):
    opened = gzip.open(path, "rt", newline="") if str(path).endswith(".gz") else open(path, newline="")
    with opened as file:
        return [row["text"] for row in csv.DictReader(file) if len(words(row["text"])) >= 5]


def edited(text, vocabulary, luck):
    """The text with one to four edits of single words: left out, doubled, replaced, put in, exchanged with the next one."""
    parts = text.split()
    for _ in range(luck.choice([1, 1, 1, 2, 2, 3, 4])):
        at = luck.randrange(len(parts))
        kind = luck.randrange(5)
        if kind == 0 and len(parts) > 3:
            del parts[at]
        elif kind == 1:
            parts.insert(at, parts[at])
        elif kind == 2:
            parts[at] = luck.choice(vocabulary)
        elif kind == 3:
            parts.insert(at, luck.choice(vocabulary))
        elif at + 1 < len(parts):
            parts[at], parts[at + 1] = parts[at + 1], parts[at]
    return " ".join(parts)


def make(path, source, count):
    """40 % texts of one to six reviews, 60 % edits of them; no two have the same words."""
    luck = random.Random(SEED)
    known = reviews(source)
    vocabulary = sorted({word for text in known for word in text.split()})
    bases, texts, seen = [], [], set()

    def add(text, to):
        key = " ".join(words(text))
        if key not in seen:
            seen.add(key)
            to.append(text)

    while len(bases) < count * 4 // 10:
        add(" ".join(luck.choice(known) for _ in range(luck.randint(1, 6))), bases)
    texts.extend(bases)
    while len(texts) < count:
        add(edited(luck.choice(bases), vocabulary, luck), texts)
    luck.shuffle(texts)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))


def brute_force(path):
    """The number of pairs that reach the threshold: pairs that do share one of their rarest shingles (prefix filter, Chaudhuri 2006)."""
    numbers, frequency, sets = {}, [], []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            text = words(row["text"])
            own = {numbers.setdefault(" ".join(text[at : at + 3]), len(numbers)) for at in range(max(1, len(text) - 2))}
            frequency.extend([0] * (len(numbers) - len(frequency)))
            for shingle in own:
                frequency[shingle] += 1
            sets.append(array.array("i", own))
    index = collections.defaultdict(list)
    pairs = 0
    for number in sorted(range(len(sets)), key=lambda at: len(sets[at])):
        own = set(sets[number])
        ordered = sorted(own, key=lambda shingle: (frequency[shingle], shingle))
        prefix = ordered[: len(own) - -(-len(own) * 8 // 10) + 1]
        for other in {other for shingle in prefix for other in index[shingle]}:
            shared = len(own.intersection(sets[other]))
            # 4/5 in whole numbers, so that no rounding decides.
            if shared * 10 >= (len(own) + len(sets[other]) - shared) * 8:
                pairs += 1
        for shingle in prefix:
            index[shingle].append(number)
    return pairs


PIPELINE = """name: neardup
stages:
  - read: {{path: texts.csv}}
  - id: marked
    dedupe: {{near: {{text: text, threshold: {threshold}, shingle: {{words: 3}}, link: star, mark: cluster}}}}
  - write: {{path: marked.csv}}
"""


def pairs_of_gristmill(folder):
    manifest = max(folder.glob(".gristmill/runs/*/manifest.json"), key=os.path.getmtime)
    for stage in json.load(open(manifest))["stages"]:
        for exhibit in stage["exhibits"]:
            for metric in exhibit.get("metrics", {}).get("metrics", []):
                if metric["name"] == "similar pairs":
                    return int(metric["value"])
    sys.exit("the record of the run has no number of pairs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reviews")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    arguments = parser.parse_args()
    folder = arguments.folder / str(arguments.texts)
    folder.mkdir(parents=True, exist_ok=True)
    texts = folder / "texts.csv"
    if not texts.exists():
        make(texts, arguments.reviews, arguments.texts)
    truth_file = folder / "truth.json"
    if not truth_file.exists():
        json.dump({"pairs": brute_force(texts)}, open(truth_file, "w"))
    truth = json.load(open(truth_file))["pairs"]
    (folder / "neardup.yaml").write_text(PIPELINE.format(threshold=THRESHOLD))
    peer = comparison.FOLDER / "peers" / "near_rensa.py"
    rensa = lambda bands: comparison.Program(
        f"rensa, {bands} bands", [arguments.peers, peer, texts, THRESHOLD, bands, folder / f"rensa_{bands}.json"]
    )
    programs = [
        comparison.Program(
            "gristmill",
            [comparison.GRISTMILL, "run", "neardup.yaml", "--quiet"],
            folder=folder,
            before=lambda: shutil.rmtree(folder / ".gristmill", ignore_errors=True),
        ),
        rensa(16),
        rensa(32),
    ]
    measured = comparison.compare(programs, arguments.rounds)
    found = {"gristmill": pairs_of_gristmill(folder)}
    for bands in (16, 32):
        found[f"rensa, {bands} bands"] = json.load(open(folder / f"rensa_{bands}.json"))["pairs"]
    for name, pairs in found.items():
        if pairs > truth:
            sys.exit(f"{name} found {pairs} pairs, but there are only {truth}")
    recall = {name: f"{100 * pairs / truth:.2f} %" for name, pairs in found.items()}
    note = f"Texts: 40 % of one to six reviews, 60 % edits of them. {truth:,} pairs reach a Jaccard similarity of {THRESHOLD} (brute force); precision is 100 % throughout, because all programs compare exactly."
    print(recall, note)
    comparison.store("neardup", f"near duplicates among {arguments.texts:,} texts", measured, columns={"recall": recall}, note=note)


if __name__ == "__main__":
    main()
