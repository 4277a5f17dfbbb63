"""Expected numbers for the metrics of models, computed by scikit-learn.

    pip install scikit-learn
    python tests/oracle/metrics_sklearn.py

It writes tests/data/oracle/metrics_sklearn.json, which the unit tests under src/statistics/evaluation/ read. The expected calibration error, which
scikit-learn does not have, is computed here from its definition (Naeini et al. 2015) with NumPy.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier, DummyRegressor

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "metrics_sklearn.json"
warnings.simplefilter("ignore")
rng = np.random.default_rng(20130101)


def plain(value):
    """Arrays and NumPy numbers as JSON knows them; NaN as null."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(f"{float(value):.15g}")
    return value


def confusion():
    """Classes from balanced to absent; each case names its number of classes."""
    cases = []
    skewed = rng.choice(5, 80, p=[0.5, 0.3, 0.1, 0.08, 0.02])
    guess = np.where(rng.random(80) < 0.6, skewed, rng.choice(5, 80))
    lists = [
        (2, [0, 1, 1, 0, 1, 1, 0, 0, 1, 0], [0, 1, 0, 0, 1, 1, 1, 0, 1, 0]),
        (3, [0, 1, 2, 2, 1, 0, 2], [0, 2, 1, 2, 1, 0, 2]),
        (5, skewed, guess),
        # class 2 is true but never predicted, class 3 is predicted but never true, class 4 is neither
        (5, [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 3, 0]),
        # one class only
        (2, [1, 1, 1], [1, 1, 1]),
        (2, [0, 0, 0], [1, 0, 0]),
    ]
    for classes, truth, predicted in lists:
        truth, predicted = np.array(truth), np.array(predicted)
        labels = list(range(classes))
        precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=np.nan)
        macro = metrics.precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
        micro = metrics.precision_recall_fscore_support(truth, predicted, average="micro", zero_division=0)
        cases.append(
            dict(
                classes=classes,
                truth=truth,
                predicted=predicted,
                matrix=metrics.confusion_matrix(truth, predicted, labels=labels),
                accuracy=metrics.accuracy_score(truth, predicted),
                balanced_accuracy=metrics.balanced_accuracy_score(truth, predicted),
                precision=precision,
                recall=recall,
                f1=f1,
                support=support,
                macro=macro[:3],
                micro=micro[:3],
            )
        )
    return cases


def ranking():
    """Scores without ties, with many ties, all equal, perfect and reversed."""
    truth = rng.random(120) < 0.3
    score = np.round(truth * 0.8 + rng.normal(size=120), 6)
    cases = []
    for t, s in [
        (truth, score),
        (truth, np.round(score)),
        (truth, np.zeros(120)),
        (np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])),
        (np.array([0, 1]), np.array([0.2, 0.3])),
        (np.array([1, 0]), np.array([0.2, 0.3])),
    ]:
        fpr, tpr, thresholds = metrics.roc_curve(t, s, drop_intermediate=False)
        cases.append(
            dict(
                truth=t.astype(bool),
                score=s,
                roc_auc=metrics.roc_auc_score(t, s),
                average_precision=metrics.average_precision_score(t, s),
                fpr=fpr,
                tpr=tpr,
                thresholds=thresholds[1:],
            )
        )
    return cases


def expected_calibration_error(truth, probability, bins):
    index = np.minimum((probability * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = index == b
        if inside.any():
            error += inside.sum() / len(truth) * abs(truth[inside].mean() - probability[inside].mean())
    return error


def probabilities():
    """Binary probabilities; some cases have exact zeros and ones, right and wrong."""
    truth = rng.random(200) < 0.4
    # calibration_curve closes its bins on the right, so the numbers stay off the borders, where the two definitions differ
    p = np.clip(np.round(0.25 + 0.35 * truth + rng.normal(size=200) * 0.2, 3), 0.001, 0.999) + 0.0001
    cases = []
    for t, s in [
        (truth, p),
        (np.array([True, False, True, False]), np.array([1.0, 0.0, 0.0, 1.0])),
        (np.array([True, False, True]), np.array([1.0, 0.0, 1.0])),
    ]:
        fraction, mean = calibration_curve(t, s, n_bins=10)
        cases.append(
            dict(
                truth=t,
                probability=s,
                log_loss=metrics.log_loss(t, s, labels=[False, True]),
                brier=metrics.brier_score_loss(t, s),
                calibration_fraction=fraction,
                calibration_mean=mean,
                ece=expected_calibration_error(t, s, 10),
            )
        )
    return cases


def multiclass():
    truth = rng.choice(4, 90, p=[0.4, 0.3, 0.2, 0.1])
    logits = rng.normal(size=(90, 4)) + 1.2 * np.eye(4)[truth]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    p[3] = [1.0, 0.0, 0.0, 0.0]
    truth[3] = 2
    # scikit-learn reads probabilities as they are stored
    p = np.array(plain(p))
    return dict(
        truth=truth,
        probability=p,
        log_loss=metrics.log_loss(truth, p, labels=[0, 1, 2, 3]),
        brier=metrics.brier_score_loss(truth, p, labels=[0, 1, 2, 3]),
        roc_auc_ovr_macro=metrics.roc_auc_score(truth, p, multi_class="ovr", average="macro"),
        roc_auc_by_class=[metrics.roc_auc_score(truth == c, p[:, c]) for c in range(4)],
        accuracy=metrics.accuracy_score(truth, p.argmax(1)),
    )


def regression():
    truth = np.round(rng.normal(size=60) * 30 + 5, 3)
    predicted = np.round(truth + rng.normal(size=60) * 10, 3)
    cases = []
    for t, p in [(truth, predicted), (truth, -truth), (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))]:
        cases.append(
            dict(
                truth=t,
                predicted=p,
                mae=metrics.mean_absolute_error(t, p),
                rmse=metrics.root_mean_squared_error(t, p),
                r2=metrics.r2_score(t, p),
            )
        )
    return cases


def baselines():
    """The simplest models, fitted on other rows than those they are judged on."""
    fit, truth = rng.choice(3, 50, p=[0.2, 0.5, 0.3]), rng.choice(3, 40, p=[0.3, 0.3, 0.4])
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((50, 1)), fit)
    fit_numbers, numbers = np.round(rng.normal(size=30) * 3 + 2, 3), np.round(rng.normal(size=20) * 3, 3)
    mean = DummyRegressor().fit(np.zeros((30, 1)), fit_numbers).predict(np.zeros((20, 1)))
    return dict(
        classes=dict(fit=fit, truth=truth, accuracy=dummy.score(np.zeros((40, 1)), truth), class_=dummy.predict([[0]])[0]),
        numbers=dict(
            fit=fit_numbers,
            truth=numbers,
            mean=mean[0],
            mae=metrics.mean_absolute_error(numbers, mean),
            rmse=metrics.root_mean_squared_error(numbers, mean),
            r2=metrics.r2_score(numbers, mean),
        ),
    )


result = dict(
    scikit_learn=sklearn.__version__,
    confusion=confusion(),
    ranking=ranking(),
    probabilities=probabilities(),
    multiclass=multiclass(),
    regression=regression(),
    baselines=baselines(),
)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(plain(result), separators=(",", ":")) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
