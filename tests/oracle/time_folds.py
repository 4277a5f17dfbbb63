"""Expected folds of src/stages/prepare/split/crossing.rs for rows that are divided by time, from scikit-learn's TimeSeriesSplit.

Usage: python time_folds.py > ../data/oracle/time_folds.json
Needs: pip install scikit-learn (written with scikit-learn 1.9)
"""

import json

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

cases = []
# Rows, folds, and whether the block before the judged one is for validation: then the first split has no block to learn from.
for rows, folds, validated in [(48, 3, False), (60, 2, False), (48, 2, True), (60, 4, True)]:
    splits = TimeSeriesSplit(n_splits=folds + int(validated)).split(np.zeros(rows))
    found = []
    for train, test in list(splits)[int(validated):]:
        block = len(test)
        valid = train[-block:] if validated else []
        learned = train[:-block] if validated else train
        found.append({name: [int(row) for row in part] for name, part in [("train", learned), ("valid", valid), ("test", test)]})
    cases.append({"rows": rows, "folds": folds, "validated": validated, "found": found})
print(json.dumps({"cases": cases}, separators=(",", ":")))
