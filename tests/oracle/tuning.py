"""Expected values for src/tuning, from Optuna and its functional analysis of variance.

Usage: python tuning.py > ../data/oracle/tuning.json
Needs: pip install optuna scikit-learn (written with Optuna 5.0)
"""

import json
import math
import warnings

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_gamma, default_weights

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

SPACE = [
    {"kind": "real", "low": 1e-5, "high": 1e-1, "log": True},
    {"kind": "real", "low": -2.0, "high": 5.0, "log": False},
    {"kind": "choices", "count": 3},
    {"kind": "steps", "low": 1, "high": 8, "step": 1, "log": False},
    {"kind": "steps", "low": 16, "high": 256, "step": 1, "log": True},
    {"kind": "steps", "low": 0.0, "high": 0.5, "step": 0.1, "log": False},
]


def distribution(domain):
    if domain["kind"] == "choices":
        return CategoricalDistribution(list(range(domain["count"])))
    if domain["kind"] == "real":
        return FloatDistribution(domain["low"], domain["high"], log=domain["log"])
    if float(domain["step"]) != 1.0:
        return FloatDistribution(domain["low"], domain["high"], step=domain["step"])
    return IntDistribution(domain["low"], domain["high"], log=domain["log"])


def draw(domain, rng):
    if domain["kind"] == "choices":
        return int(rng.integers(domain["count"]))
    if domain["kind"] == "real":
        if domain["log"]:
            return float(np.exp(rng.uniform(math.log(domain["low"]), math.log(domain["high"]))))
        return float(rng.uniform(domain["low"], domain["high"]))
    steps = round((domain["high"] - domain["low"]) / domain["step"])
    return domain["low"] + int(rng.integers(steps + 1)) * domain["step"]


def densities():
    parameters = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    rng = np.random.default_rng(11)
    spaces = [[domain] for domain in SPACE] + [SPACE, SPACE[:3]]
    for space in spaces:
        # NumPy's argsort exchanges equal values at will, and with them the widths of their kernels: many points only where none are equal.
        has_ties = any(domain["kind"] == "steps" for domain in space)
        for count in (0, 1, 2, *([] if has_ties and len(space) > 1 else [7]), *([] if has_ties else [40])):
            names = {f"x{at}": distribution(domain) for at, domain in enumerate(space)}
            seen = [[draw(domain, rng) for domain in space] for _ in range(count)]
            at = [[draw(domain, rng) for domain in space] for _ in range(6)]
            columns = lambda points: {
                name: np.array([point[i] for point in points], dtype=float) for i, name in enumerate(names)
            }
            estimator = _ParzenEstimator(columns(seen), names, parameters)
            yield {
                "name": f"{count} points of {json.dumps(space)[:60]}",
                "space": space,
                "seen": seen,
                "at": at,
                "log_density": [float(value) for value in estimator.log_pdf(columns(at))],
            }


def divisions():
    rng = np.random.default_rng(12)
    for count in (1, 9, 10, 11, 95, 300):
        losses = [round(float(value), 6) for value in rng.normal(size=count)]
        study = optuna.create_study()
        for at, loss in enumerate(losses):
            study.add_trial(optuna.trial.create_trial(value=loss, params={}, distributions={}))
        below, _ = optuna.samplers._tpe.sampler._split_trials(study, study.trials, default_gamma(count))
        yield {"losses": losses, "good": [trial.number for trial in below]}


def branin(x, y):
    pi = math.pi
    return (y - 5.1 / (4 * pi**2) * x**2 + 5 / pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * math.cos(x) + 10


ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
P = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991], [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)


def hartmann6(*x):
    return -float(np.sum(ALPHA * np.exp(-np.sum(A * (np.array(x) - P) ** 2, axis=1))))


FUNCTIONS = {"branin": (branin, [(-5, 10), (0, 15)], 60), "hartmann6": (hartmann6, [(0, 1)] * 6, 100)}


def searches():
    # Two minutes.
    for name, (function, ranges, trials) in FUNCTIONS.items():
        best = []
        for seed in range(31):
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
            study.optimize(
                lambda trial: function(*(trial.suggest_float(f"x{i}", *ends) for i, ends in enumerate(ranges))),
                n_trials=trials,
            )
            best.append(round(study.best_value, 6))
        yield {"function": name, "trials": trials, "optuna_best": best}


def importance():
    rng = np.random.default_rng(13)
    # No logarithms: Optuna takes variances over the plain scale even where the search was on a logarithmic one.
    space = [{"kind": "real", "low": 0.0, "high": 6.0, "log": False}, SPACE[1], SPACE[2]]
    effects = [0.0, 0.8, -0.3]
    formulas = {
        "a square, a line and choices": lambda p: 0.2 * (p[0] - 3) ** 2 + 0.3 * p[1] + effects[p[2]],
        "an interaction": lambda p: (p[0] - 3) * (p[1] - 1.5) + 2 * effects[p[2]],
    }
    for name, formula in formulas.items():
        points = [[draw(domain, rng) for domain in space] for _ in range(150)]
        losses = [float(formula(point)) for point in points]
        study = optuna.create_study()
        names = {f"x{at}": distribution(domain) for at, domain in enumerate(space)}
        for point, loss in zip(points, losses):
            study.add_trial(
                optuna.trial.create_trial(value=loss, params=dict(zip(names, point)), distributions=names)
            )
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=1), normalize=False
        )
        yield {
            "name": name,
            "space": space,
            "points": [[round(value, 9) for value in point] for point in points],
            "losses": [round(loss, 9) for loss in losses],
            "shares": [found[name] for name in names],
        }


print(
    json.dumps(
        {
            "densities": list(densities()),
            "divisions": list(divisions()),
            "searches": list(searches()),
            "importance": list(importance()),
        },
        separators=(",", ":"),
    )
)
