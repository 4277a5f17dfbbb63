"""What scikit-learn and SciPy say of clusters: writes tests/data/oracle/cluster.json.

usage: cluster.py FLIGHTS.csv.gz    (python with scikit-learn 1.9, SciPy 1.17, pandas)

Points: 240 flights (delay, distance, time in the air; standardized, written with six decimals), 120 digits of 8x8 pixels that
scikit-learn brings along (UCI ML hand-written digits, CC BY 4.0), two half moons with noise, and balls in 20 columns.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
flights = pd.read_csv(sys.argv[1])[["dep_delay", "distance", "air_time"]].dropna().drop_duplicates()
flights = flights.sample(240, random_state=5).to_numpy(float)
flights = np.round((flights - flights.mean(0)) / flights.std(0), 6)
digits = load_digits().data[:120]
moons = make_moons(180, noise=0.07, random_state=3)[0]
moons = np.round(np.concatenate([moons, np.random.default_rng(4).uniform(-1.5, 2.5, (20, 2))]), 6)
blobs = np.round(make_blobs([20, 15, 10, 8], 20, cluster_std=1.5, center_box=(-3, 3), random_state=6)[0], 3)
points = {"flights": flights, "digits": digits, "moons": moons, "blobs": blobs}
sets = [{"name": name, "width": x.shape[1], "values": x.flatten().tolist()} for name, x in points.items()]


def labels(values):
    return [None if value < 0 else int(value) for value in values]


kmeans, best, quality = [], [], []
for name, k in [("flights", 5), ("digits", 10), ("moons", 4)]:
    x = points[name]
    start = x[:k]
    found = KMeans(k, init=start, n_init=1, tol=1e-4, algorithm="lloyd").fit(x)
    kmeans.append({"set": name, "k": k, "labels": labels(found.labels_), "centres": found.cluster_centers_.flatten().tolist(), "inertia": found.inertia_, "iterations": found.n_iter_})
    inertias = [KMeans(k, n_init=10, random_state=seed).fit(x).inertia_ for seed in range(10)]
    best.append({"set": name, "k": k, "worst": max(inertias), "best": min(inertias)})
    quality.append({"set": name, "labels": labels(found.labels_), "silhouettes": silhouette_samples(x, found.labels_).tolist(), "davies_bouldin": davies_bouldin_score(x, found.labels_), "calinski_harabasz": calinski_harabasz_score(x, found.labels_)})

x = flights
learner = MiniBatchKMeans(4, init=x[:4], n_init=1, reassignment_ratio=0, batch_size=60, random_state=0)
for at in range(0, 240, 60):
    learner.partial_fit(x[at : at + 60])
mini_batch = [{"set": "flights", "k": 4, "batch": 60, "centres": learner.cluster_centers_.flatten().tolist()}]

mixture = []
for kind in ["full", "diag", "spherical", "tied"]:
    for name, k in [("flights", 3), ("moons", 4)]:
        x = points[name]
        first = KMeans(k, init=x[:k], n_init=1).fit(x).labels_
        model = GaussianMixture(k, covariance_type=kind, random_state=0, tol=1e-3, max_iter=100)
        model._initialize_parameters = lambda x, random_state, xp=None, model=model, first=first, k=k: model._initialize(x, np.eye(k)[first])
        model.fit(x)
        mixture.append({"set": name, "k": k, "covariance": kind, "first": labels(first), "weights": model.weights_.tolist(), "means": model.means_.flatten().tolist(), "log_likelihood": model.score(x) * len(x), "bic": model.bic(x), "aic": model.aic(x), "iterations": model.n_iter_, "labels": labels(model.predict(x)), "converged": bool(model.converged_)})

dbscan = []
for name, radius, least in [("flights", 0.25, 4), ("flights", 0.5, 8), ("moons", 0.18, 5), ("moons", 9.0, 5), ("digits", 24.0, 4)]:
    found = DBSCAN(eps=radius, min_samples=least).fit(points[name])
    dbscan.append({"set": name, "radius": radius, "min_points": least, "labels": labels(found.labels_), "cores": found.core_sample_indices_.tolist()})

hdbscan = []
for name, size, least, method in [("flights", 8, 8, "eom"), ("flights", 5, 1, "leaf"), ("flights", 8, 1, "eom"), ("moons", 10, 5, "eom"), ("moons", 5, 1, "leaf"), ("moons", 15, 2, "eom"), ("blobs", 5, 1, "eom"), ("blobs", 4, 1, "leaf")]:
    found = HDBSCAN(min_cluster_size=size, min_samples=least, cluster_selection_method=method, algorithm="brute", copy=True).fit(points[name])
    hdbscan.append({"set": name, "min_cluster_size": size, "min_samples": least, "selection": method, "labels": labels(found.labels_), "strengths": found.probabilities_.tolist()})

agglomerative = []
for name in ["flights"]:
    for method in ["ward", "complete", "average", "single"]:
        tree = linkage(points[name], method)
        agglomerative.append({"set": name, "linkage": method, "heights": tree[:, 2].tolist(), "sizes": tree[:, 3].astype(int).tolist(), "four": (fcluster(tree, 4, "maxclust") - 1).tolist(), "nine": (fcluster(tree, 9, "maxclust") - 1).tolist()})

out = {"points": sets, "kmeans": kmeans, "best": best, "mini_batch": mini_batch, "mixture": mixture, "dbscan": dbscan, "hdbscan": hdbscan, "agglomerative": agglomerative, "quality": quality}


def short(value):
    """Twelve digits are enough for a comparison to nine, and whole numbers need no point."""
    if isinstance(value, dict):
        return {key: short(part) for key, part in value.items()}
    if isinstance(value, list):
        return [short(part) for part in value]
    if isinstance(value, float):
        value = float(f"{value:.12g}")
        return int(value) if value.is_integer() else value
    return value


path = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "cluster.json"
path.write_text(json.dumps(short(out), separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
