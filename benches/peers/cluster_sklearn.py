"""usage: cluster_sklearn.py kmeans|hdbscan|seeds DATA.csv OUT.json [SEED..]: the clusters of a table of numbers by scikit-learn, standardized first."""

import json
import sys

import numpy as np
import polars as pl

what, source, out, *seeds = sys.argv[1:]
x = pl.read_csv(source).drop_nulls().to_numpy().astype("float64")
x = np.ascontiguousarray((x - x.mean(0)) / x.std(0))
if what == "kmeans":
    from sklearn.cluster import KMeans

    found = KMeans(8, n_init=10, max_iter=300, tol=1e-4, random_state=1).fit(x)
    summary = {"inertia": found.inertia_}
elif what == "seeds":
    from sklearn.cluster import KMeans

    summary = {"inertias": [KMeans(8, n_init=10, max_iter=300, tol=1e-4, random_state=int(seed)).fit(x).inertia_ for seed in seeds]}
else:
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(min_cluster_size=100, min_samples=20, n_jobs=2, copy=True).fit(x)
    summary = {"clusters": int(found.labels_.max()) + 1, "noise": int((found.labels_ < 0).sum())}
json.dump(summary, open(out, "w"))
