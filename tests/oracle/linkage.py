"""Expected values for src/similarity: likeness of texts from rapidfuzz, jellyfish and scikit-learn, and the parameters of a small
linkage from SciPy, which maximizes the likelihood of the patterns without expectation and maximization.

Usage: python linkage.py > ../data/oracle/linkage.json
Needs: pip install rapidfuzz jellyfish scikit-learn scipy (written with rapidfuzz 3.14, jellyfish 1.2, scikit-learn 1.8, SciPy 1.17)
"""

import itertools
import json
import random

import jellyfish
import numpy as np
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, Levenshtein
from scipy.optimize import minimize
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics.pairwise import cosine_similarity

PAIRS = [
    ("martha", "marhta"), ("dwayne", "duane"), ("dixon", "dicksonx"), ("smith", "smyth"), ("neumann", "neuman"), ("ca", "abc"), ("abcd", "acbd"),
    ("", "a"), ("", ""), ("michaela", "michael"), ("jörg müller", "jorg mueller"), ("søren", "soren"), ("李小龙", "李龙小"), ("19390212", "19390221"),
    ("stanley street", "stanely steet"), ("light setreet", "light street"), ("a" * 70, "a" * 69 + "b"), ("the quick brown fox jumps over", "the brown quick fox jumped over"),
    ("12 high street", "High Street 12a"), ("flat 3, 12 high st", "12 high st, flat 3"), ("unit 9", "nothing in common"),
]


def strings():
    random.seed(3)
    letters = "abcdé"
    drawn = [("".join(random.choices(letters, k=random.randint(1, 9))), "".join(random.choices(letters, k=random.randint(1, 9)))) for _ in range(60)]
    for left, right in PAIRS + drawn:
        similarity = JaroWinkler.similarity(left, right)
        assert not left or not right or abs(similarity - jellyfish.jaro_winkler_similarity(left, right)) < 1e-12
        assert DamerauLevenshtein.distance(left, right) == jellyfish.damerau_levenshtein_distance(left, right)
        try:
            counts = CountVectorizer(token_pattern=r"[^\W_]+").fit_transform([left, right])
            cosine = float(cosine_similarity(counts[0], counts[1])[0, 0])
        except ValueError:  # no token at all
            cosine = 0.0
        yield {"left": left, "right": right, "jaro_winkler": similarity, "levenshtein": Levenshtein.distance(left, right),
               "damerau": DamerauLevenshtein.distance(left, right), "cosine": cosine}


def maximized():
    """Patterns of three comparisons with 3, 2 and 4 levels, drawn from known probabilities; m and the share of matches by maximizing
    the likelihood with u fixed."""
    rng = np.random.default_rng(7)
    u = [[0.02, 0.05, 0.93], [0.1, 0.9], [0.004, 0.03, 0.2, 0.766]]
    m = [[0.8, 0.12, 0.08], [0.9, 0.1], [0.7, 0.15, 0.1, 0.05]]
    patterns = list(itertools.product(range(3), range(2), range(4)))
    probability = lambda of, pattern: np.prod([of[at][level] for at, level in enumerate(pattern)])
    joint = np.array([0.2 * probability(m, pattern) + 0.8 * probability(u, pattern) for pattern in patterns])
    counts = rng.multinomial(20000, joint / joint.sum())
    others = np.array([probability(u, pattern) for pattern in patterns])

    def unpack(x):
        share = 1 / (1 + np.exp(-x[0]))
        found, at = [], 1
        for levels in (3, 2, 4):
            raw = np.exp(np.concatenate([x[at:at + levels - 1], [0.0]]))
            found.append(raw / raw.sum())
            at += levels - 1
        return share, found

    def loss(x):
        share, found = unpack(x)
        matching = np.array([probability(found, pattern) for pattern in patterns])
        return -np.sum(counts * np.log(share * matching + (1 - share) * others))

    best = minimize(loss, np.array([-1.0, 2, 0, 2, 2, 1, 0.5]), method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    best = minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10, "maxiter": 50000, "maxfev": 50000})
    share, found = unpack(best.x)
    yield {"patterns": [[level + 1 for level in pattern] for pattern in patterns], "counts": [int(count) for count in counts], "u": u,
           "share": float(share), "m": [[float(value) for value in levels] for levels in found]}


json.dump({"strings": list(strings()), "maximized": list(maximized())}, __import__("sys").stdout, indent=1, ensure_ascii=False)
print()
