"""Expected numbers for simple models, computed by scikit-learn on its wine and diabetes data and on small tables made here.

    pip install scikit-learn
    python tests/oracle/baseline.py

It writes tests/data/oracle/baseline.json, which the unit tests under src/baseline/ read.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "baseline.json"
warnings.simplefilter("ignore")
rng = np.random.default_rng(7)


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{float(value):.9g}")
    return value


def standardized(x):
    return np.float32(np.round((x - x.mean(0)) / x.std(0), 3)).astype(float)


wine, diabetes = load_wine(), load_diabetes()
WINE, SUGAR = standardized(wine.data), standardized(diabetes.data)
ORDER_WINE, ORDER_SUGAR = rng.permutation(len(WINE)), rng.permutation(len(SUGAR))
WINE, WINE_Y = WINE[ORDER_WINE], wine.target[ORDER_WINE]
SUGAR, SUGAR_Y = SUGAR[ORDER_SUGAR], diabetes.target[ORDER_SUGAR]


def data():
    return dict(
        wine=dict(columns=WINE.shape[1], features=WINE.ravel(), truth=WINE_Y),
        diabetes=dict(columns=SUGAR.shape[1], features=SUGAR.ravel(), truth=SUGAR_Y),
    )


def logistic():
    options = dict(C=1.0, tol=1e-12, max_iter=100_000)
    several = LogisticRegression(**options).fit(WINE, WINE_Y)
    yes = LogisticRegression(**options).fit(WINE, WINE_Y == 1)
    # Columns of very different size and far from 0.
    far = WINE[:, :3] * [1, 100, 0.01] + [0, 2000, 3]
    far = np.float32(far).astype(float)
    scaled = LogisticRegression(C=1.0, tol=1e-14, max_iter=1_000_000, solver="newton-cholesky").fit(far, WINE_Y == 1)
    return dict(
        several=dict(weights=several.coef_.T.ravel(), intercepts=several.intercept_ - several.intercept_.mean()),
        yes=dict(weights=yes.coef_.ravel(), intercepts=yes.intercept_),
        far=dict(columns=3, features=far.ravel(), weights=scaled.coef_.ravel(), intercepts=scaled.intercept_),
    )


def ridge():
    model = Ridge(alpha=1.0).fit(SUGAR, SUGAR_Y)
    return dict(weights=model.coef_, intercepts=[model.intercept_])


def preorder(tree):
    """Cuts, a left side before the right one, which is the order of scikit-learn's nodes. Below the root a value that no row of the node has may
    move a cut, so only the value of the first cut is stored, and what the tree says of each row."""
    inner = tree.children_left >= 0
    return dict(features_of_cuts=tree.feature[inner], first_cut=tree.threshold[0], nodes=tree.node_count)


def trees():
    cases = []
    for n, p, depth, leaf in [(60, 3, 4, 1), (200, 5, 6, 5), (400, 2, 3, 20)]:
        x = np.float32(np.round(rng.normal(0, 1, (n, p)), 2)).astype(float)
        score = x[:, 0] + x[:, 1] ** 2 + rng.normal(0, 0.4, n)
        classes = np.digitize(score, [0.3, 1.3])
        numbers = np.round(score, 6)
        options = dict(max_depth=depth, min_samples_leaf=leaf, random_state=0)
        for truth, model in [(classes, DecisionTreeClassifier), (numbers, DecisionTreeRegressor)]:
            grown = [preorder(model(**{**options, "random_state": seed}).fit(x, truth).tree_) for seed in range(8)]
            # Only trees without equally good cuts: those that no seed changes.
            if all(str(plain(one)) == str(plain(grown[0])) for one in grown):
                tree = model(**options).fit(x, truth)
                is_classes = model is DecisionTreeClassifier
                said = np.float32(np.round(tree.predict_proba(x)[:, 1] if is_classes else tree.predict(x), 5)).astype(float)
                cases.append(dict(columns=p, features=x.ravel(), truth=truth, depth=depth, leaf=leaf, classes=is_classes, said=said, **grown[0]))
    assert {case["classes"] for case in cases} == {True, False}
    return cases


def forests():
    """Scores on held-out rows over 20 seeds: mean and standard deviation."""
    right = [RandomForestClassifier(100, random_state=s).fit(WINE[:100], WINE_Y[:100]).score(WINE[100:], WINE_Y[100:]) for s in range(20)]
    forest = lambda s: RandomForestRegressor(100, max_features=1 / 3, min_samples_leaf=5, random_state=s)
    error = [np.sqrt(np.mean((forest(s).fit(SUGAR[:300], SUGAR_Y[:300]).predict(SUGAR[300:]) - SUGAR_Y[300:]) ** 2)) for s in range(20)]
    return dict(wine=dict(rows=100, mean=np.mean(right), deviation=np.std(right)), diabetes=dict(rows=300, mean=np.mean(error), deviation=np.std(error)))


def tfidf():
    tokens = np.array([[1, 2, 2, 0, 0], [2, 3, 4, 4, 4], [0, 0, 0, 0, 0], [5, 1, 1, 1, 2]])
    counts = np.array([[np.sum(row == token) for token in range(7)] for row in tokens])
    counts[:, 0] = 0
    return dict(tokens=tokens.ravel(), length=5, expected=TfidfTransformer().fit_transform(counts).toarray().ravel())


CASES = [data, logistic, ridge, trees, forests, tfidf]
OUT.write_text(json.dumps({case.__name__: plain(case()) for case in CASES}, separators=(",", ":")) + "\n")
