"""Principal components or an isolation forest by scikit-learn, from a Parquet file to a Parquet file.

    python reduce_sklearn.py pca|forest TABLE.parquet OUT.parquet
"""

import os
import sys

import polars as pl
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

what, source, target = sys.argv[1:]
threads = int(os.environ.get("THREADS", "2"))
table = pl.read_parquet(source)
names = [name for name in table.columns if name.startswith("x")]
rows = table.select(names).to_numpy()
if what == "pca":
    scores = PCA(3).fit(rows).transform(rows)
    table = table.with_columns(pl.Series(f"pc_{i + 1}", scores[:, i]) for i in range(3))
else:
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=threads).fit(rows)
    table = table.with_columns(pl.Series("anomaly_score", -forest.score_samples(rows)))
table.write_parquet(target)
