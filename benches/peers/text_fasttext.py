"""usage: text_fasttext.py TRAIN.parquet TEST.parquet OUT.json [THREADS]: fastText (PyPI: fasttext-wheel) with words and pairs of words."""

import json
import pathlib
import re
import sys
import tempfile

import fasttext
import polars as pl

train, test, out, threads = *sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 2
words = lambda text: " ".join(re.findall(r"\w+(?:['’]\w+)*", text.lower()))
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "train.txt"
    rows = pl.read_parquet(train)
    path.write_text("".join(f"__label__{'yes' if y else 'no'} {words(text)}\n" for text, y in zip(rows["text"], rows["positive"])))
    model = fasttext.train_supervised(str(path), epoch=12, lr=0.5, wordNgrams=2, minCount=2, dim=64, bucket=200000, thread=threads, seed=1, verbose=0)
probabilities = []
for text in pl.read_parquet(test)["text"]:
    # The method of the package fails with NumPy 2; what it wraps does not.
    found = dict((label, p) for p, label in model.f.predict(words(text) + "\n", 2, 0.0, "strict"))
    probabilities.append(float(found.get("__label__yes", 0.0)))
pathlib.Path(out).write_text(json.dumps(probabilities))
