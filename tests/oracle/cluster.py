"""What scikit-learn and SciPy say of clusters: writes tests/data/oracle/cluster.json.

usage: cluster.py FLIGHTS.csv.gz    (python with scikit-learn 1.9, SciPy 1.17, pandas)

Points: 240 flights (delay, distance, time in the air; standardized, written with six decimals), 120 digits of 8x8 pixels that
scikit-learn brings along (UCI ML hand-written digits, CC BY 4.0), two half moons with noise, and balls in 20 columns, and places of a coarse grid, of which many are equally far apart.

HDBSCAN is computed twice: as the paper defines it, slowly, and by scikit-learn. Where reach distances tie, scikit-learn's answer
depends on the order of the rows; its answers over twelve other orders say for which points it does ("unsettled", with those that
lie between the parts of a split).
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
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
places = np.random.default_rng(7).choice(400, 90, replace=False)
grid = np.stack([places // 20, places % 20], 1).astype(float)
points = {"flights": flights, "digits": digits, "moons": moons, "blobs": blobs, "grid": grid}
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



def by_the_paper(x, size, least, method):
    """HDBSCAN as Campello, Moulavi & Sander 2013 define it, step by step and slowly: at each length all edges that are at least
    as long go at once. Gives labels (-1 is noise), strengths, and the points that come apart at the very length at which their
    cluster splits: they belong to none of its parts."""
    distances = cdist(x, x)
    core = np.sort(distances, 1)[:, least - 1]
    reach = np.maximum(distances, np.maximum(core[:, None], core[None, :]))
    # At other lengths no part comes apart.
    lengths = np.unique(linkage(reach[np.triu_indices(len(x), 1)], "single")[:, 2])[::-1]
    clusters = [{"parent": None, "birth": 0.0, "death": 0.0, "stability": 0.0, "leaf": True}]
    last = np.zeros(len(x), int), np.zeros(len(x))
    between = np.zeros(len(x), bool)
    alive = [(0, np.arange(len(x)))]
    for length in lengths:
        density, still = 1 / length, []
        for number, members in alive:
            own = reach[np.ix_(members, members)]
            count, part = connected_components(csr_matrix(own < length), directed=False)
            parts = [members[part == at] for at in range(count)]
            large = [part for part in parts if len(part) >= size]
            cluster = clusters[number]
            if count == 1 and len(members) >= size:
                still.append((number, members))
                continue
            if len(large) > 1:
                cluster["leaf"] = False
            for part in parts:
                goes_on = len(part) >= size and len(large) == 1
                if not goes_on:
                    cluster["stability"] += (density - cluster["birth"]) * len(part)
                    cluster["death"] = max(cluster["death"], density)
                if len(part) < size:
                    last[0][part], last[1][part] = number, density
                    between[part] = len(large) > 1
                elif goes_on:
                    still.append((number, part))
                else:
                    clusters.append({"parent": number, "birth": density, "death": 0.0, "stability": 0.0, "leaf": True})
                    still.append((len(clusters) - 1, part))
        alive = still
    chosen = [cluster["leaf"] for cluster in clusters]
    if method == "eom":
        best, below = [cluster["stability"] for cluster in clusters], [0.0] * len(clusters)
        for at in reversed(range(len(clusters))):
            chosen[at] = below[at] <= best[at]
            best[at] = max(best[at], below[at])
            if clusters[at]["parent"] is not None:
                below[clusters[at]["parent"]] += best[at]
    chosen[0] = False
    top = [None] * len(clusters)
    for at, cluster in enumerate(clusters):
        above = None if cluster["parent"] is None else top[cluster["parent"]]
        top[at] = above if above is not None else at if chosen[at] else None
    found = [top[at] for at in last[0]]
    strengths = [0.0 if at is None else min(density, clusters[at]["death"]) / clusters[at]["death"] for at, density in zip(found, last[1])]
    return [-1 if at is None else at for at in found], strengths, between


def by_scikit_learn(x, size, least, method):
    """What scikit-learn says, and of which points it says the same whatever the order of the rows. It cuts edges of equal length
    one after the other, so that its clusters depend on that order; None when their number does."""
    def fit(x):
        found = HDBSCAN(min_cluster_size=size, min_samples=least, cluster_selection_method=method, algorithm="brute", copy=True).fit(x)
        return found.labels_, found.probabilities_

    first, strengths = fit(x)
    settled = np.ones(len(x), bool)
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(len(x))
        found, firm = np.empty_like(first), np.empty_like(strengths)
        found[order], firm[order] = fit(x[order])
        if found.max() != first.max():
            return None
        pairs = {label: np.bincount(first[(found == label) & (first >= 0)], minlength=1).argmax() for label in range(found.max() + 1)}
        settled &= np.array([pairs.get(label, -1) for label in found]) == first
        settled &= np.isclose(firm, strengths, rtol=1e-12, atol=0)
    return first, strengths, settled


hdbscan = []
settings = [("flights", 8, 8, "eom"), ("flights", 5, 1, "leaf"), ("flights", 8, 1, "eom"), ("flights", 5, 5, "eom"), ("flights", 5, 3, "leaf"), ("flights", 12, 4, "eom"), ("moons", 10, 5, "eom"), ("moons", 5, 1, "leaf"), ("moons", 15, 2, "eom"), ("moons", 5, 5, "eom"), ("moons", 6, 6, "leaf"), ("blobs", 5, 1, "eom"), ("blobs", 4, 1, "leaf"), ("blobs", 5, 4, "eom"), ("digits", 5, 2, "eom"), ("digits", 4, 3, "leaf"), ("grid", 4, 1, "eom"), ("grid", 3, 3, "leaf"), ("grid", 5, 4, "eom")]
for name, size, least, method in settings:
    found, strengths, between = by_the_paper(points[name], size, least, method)
    other = by_scikit_learn(points[name], size, least, method)
    case = {"set": name, "min_cluster_size": size, "min_samples": least, "selection": method, "labels": labels(found), "strengths": strengths}
    if other is not None:
        # scikit-learn gives points that lie between the parts to one of them, often to the same one in every order.
        same = other[2] & ~between
        case |= {"sklearn_labels": labels(other[0]), "sklearn_strengths": [round(float(strength), 10) for strength in other[1]], "unsettled": np.flatnonzero(~same).tolist()}
    agree = "its number of clusters depends on the order" if other is None else f"{same.sum()} of {len(found)} points settled"
    print("hdbscan", name, size, least, method, len(set(found) - {-1}), "clusters; scikit-learn:", agree)
    hdbscan.append(case)

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
