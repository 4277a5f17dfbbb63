"""Expected numbers for judging models: weighted metrics, calibration, tests of paired models, intervals.

    pip install scikit-learn scipy statsmodels
    python tests/oracle/evaluation.py

It writes tests/data/oracle/evaluation.json, which the unit tests under src/statistics/evaluation/ read. What no package has is computed here from its
definition with NumPy: calibration errors (Naeini et al. 2015), SMAPE, MAPE without zeros, and DeLong's variance over all pairs (DeLong et al. 1988).
"""

import json
import pathlib
import warnings

import numpy as np
from scipy import optimize, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "evaluation.json"
warnings.simplefilter("ignore")
rng = np.random.default_rng(20240229)


def plain(value):
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


def expected_errors(truth, p, weights, bins):
    """Expected and maximum calibration error over the bins given by their number for each row."""
    distances, shares = [], []
    for b in np.unique(bins[weights > 0]):
        rows = bins == b
        w = weights[rows]
        distances.append(abs(np.average(truth[rows], weights=w) - np.average(p[rows], weights=w)))
        shares.append(w.sum() / weights.sum())
    return float(np.dot(distances, shares)), float(max(distances))


def equal_width(p):
    return np.minimum((p * 10).astype(int), 9)


def calibration():
    cases = []
    for n, bins, ties in [(60, 5, False), (83, 10, False), (50, 4, True)]:
        p = rng.beta(0.7, 1.3, n)
        if ties:
            p = np.round(p, 1)
        truth = rng.random(n) < p**1.4
        fraction, mean = calibration_curve(truth, p, n_bins=bins, strategy="quantile")
        edges = np.percentile(p, np.linspace(0, 1, bins + 1) * 100)
        ece, mce = expected_errors(truth.astype(float), p, np.ones(n), np.searchsorted(edges[1:-1], p))
        cases.append(dict(truth=truth, probability=p, bins=bins, mean=mean, fraction=fraction, ece=ece, mce=mce))
    return cases


def agreement():
    cases = []
    for n, k, skill in [(60, 2, 0.7), (80, 5, 0.5), (50, 3, 0.0), (12, 6, 0.4)]:
        truth = rng.choice(k, n)
        predicted = np.where(rng.random(n) < skill, truth, rng.choice(k, n))
        weights = rng.integers(0, 4, n)
        labels = list(range(k))
        average = lambda how: metrics.precision_recall_fscore_support(truth, predicted, average=how, sample_weight=weights, zero_division=0)[:3]
        used = weights > 0
        macro = metrics.precision_recall_fscore_support(truth[used], predicted[used], average="macro", sample_weight=weights[used], zero_division=0)[:3]
        kappa = lambda how: metrics.cohen_kappa_score(truth, predicted, labels=labels, weights=how, sample_weight=weights)
        cases.append(
            dict(
                classes=k,
                truth=truth,
                predicted=predicted,
                weights=weights,
                accuracy=metrics.accuracy_score(truth, predicted, sample_weight=weights),
                balanced_accuracy=metrics.balanced_accuracy_score(truth[used], predicted[used], sample_weight=weights[used]),
                mcc=metrics.matthews_corrcoef(truth, predicted, sample_weight=weights),
                kappa=kappa(None),
                linear_kappa=kappa("linear"),
                quadratic_kappa=kappa("quadratic"),
                macro=macro,
                weighted=average("weighted"),
            )
        )
    return cases


def binary():
    cases = []
    for n, threshold, ties in [(70, 0.5, False), (90, 0.3, True), (40, 0.7, False)]:
        truth = rng.random(n) < 0.35
        p = np.clip(0.25 + 0.3 * truth + rng.normal(0, 0.2, n), 0.001, 0.999)
        if ties:
            p = np.round(p, 1)
        weights = rng.integers(0, 4, n)
        predicted = p >= threshold
        w = dict(sample_weight=weights)
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, predicted, average="binary", **w)
        ece, mce = expected_errors(truth.astype(float), p, weights, equal_width(p))
        expected = {
            "accuracy": metrics.accuracy_score(truth, predicted, **w),
            "ROC AUC": metrics.roc_auc_score(truth, p, **w),
            "precision": precision,
            "recall": recall,
            "F1": f1,
            "balanced accuracy": metrics.balanced_accuracy_score(truth, predicted, **w),
            "average precision": metrics.average_precision_score(truth, p, **w),
            "log loss": metrics.log_loss(truth, np.clip(p, 2.0**-52, 1 - 2.0**-52), **w),
            "Brier score": metrics.brier_score_loss(truth, p, **w),
            "Matthews correlation": metrics.matthews_corrcoef(truth, predicted, **w),
            "kappa": metrics.cohen_kappa_score(truth, predicted, **w),
            "expected calibration error": ece,
            "maximum calibration error": mce,
        }
        cases.append(dict(truth=truth, probability=p, weights=weights, threshold=threshold, expected=expected))
    return cases


def multiclass():
    cases = []
    for n, k in [(60, 3), (90, 5)]:
        truth = rng.choice(k, n)
        logits = rng.normal(0, 1, (n, k)) + 1.3 * np.eye(k)[truth]
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        p = np.array(plain(p))
        weights = rng.integers(0, 4, n)
        weights[:k] = 1
        truth[:k] = np.arange(k)
        used = weights > 0
        t, q, w = truth[used], p[used], weights[used]
        predicted = q.argmax(1)
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(t, predicted, average="macro", sample_weight=w, zero_division=0)
        wp, wr, wf, _ = metrics.precision_recall_fscore_support(t, predicted, average="weighted", sample_weight=w, zero_division=0)
        hot = np.eye(k)[t]
        ece, mce = expected_errors((t == predicted).astype(float), q.max(1), w, equal_width(q.max(1)))
        one = [metrics.average_precision_score(hot[:, c], q[:, c], sample_weight=w) for c in range(k)]
        # scikit-learn takes one against the rest with weights for classes that it knows from labels alone.
        areas = [metrics.roc_auc_score(hot[:, c], q[:, c], sample_weight=w) for c in range(k)]
        support = [w[t == c].sum() for c in range(k)]
        expected = {
            "accuracy": metrics.accuracy_score(t, predicted, sample_weight=w),
            "macro F1": f1,
            "weighted F1": wf,
            "balanced accuracy": metrics.balanced_accuracy_score(t, predicted, sample_weight=w),
            "log loss": metrics.log_loss(t, q, sample_weight=w, labels=list(range(k))),
            "Brier score": np.average(((q - hot) ** 2).sum(1), weights=w),
            "macro precision": precision,
            "macro recall": recall,
            "weighted precision": wp,
            "weighted recall": wr,
            "micro F1": metrics.f1_score(t, predicted, average="micro", sample_weight=w),
            "Matthews correlation": metrics.matthews_corrcoef(t, predicted, sample_weight=w),
            "kappa": metrics.cohen_kappa_score(t, predicted, sample_weight=w),
            "expected calibration error": ece,
            "maximum calibration error": mce,
            "macro ROC AUC": np.mean(areas),
            "weighted ROC AUC": np.average(areas, weights=support),
            "macro average precision": np.mean(one),
            "linear kappa": metrics.cohen_kappa_score(t, predicted, weights="linear", sample_weight=w),
            "quadratic kappa": metrics.cohen_kappa_score(t, predicted, weights="quadratic", sample_weight=w),
            "top-2 accuracy": metrics.top_k_accuracy_score(t, q, k=2, sample_weight=w, labels=list(range(k))),
        }
        cases.append(dict(classes=k, truth=truth, probability=p.ravel(), weights=weights, expected=expected))
    return cases


def regression():
    cases = []
    for n, kind in [(50, "any"), (61, "counts"), (30, "far")]:
        if kind == "counts":
            mean = rng.gamma(2, 2, n)
            truth, predicted = rng.poisson(mean).astype(float), mean + 0.1
        elif kind == "far":
            truth = 1e6 + rng.normal(0, 1, n)
            predicted = truth + rng.normal(0.3, 0.5, n)
        else:
            truth = rng.normal(3, 4, n)
            predicted = 0.7 * truth + rng.normal(1, 1, n)
            truth[3] = predicted[4] = 0.0
        truth, predicted = np.array(plain(truth)), np.array(plain(predicted))
        weights = rng.integers(0, 4, n)
        w = dict(sample_weight=weights)
        nonzero = truth != 0
        long = np.repeat(np.arange(n), weights)
        expected = {
            "R2": metrics.r2_score(truth, predicted, **w),
            "mean absolute error": metrics.mean_absolute_error(truth, predicted, **w),
            "root mean squared error": np.sqrt(metrics.mean_squared_error(truth, predicted, **w)),
            "median absolute error": metrics.median_absolute_error(truth[long], predicted[long]),
            "maximum error": metrics.max_error(truth[long], predicted[long]),
            "explained variance": metrics.explained_variance_score(truth, predicted, **w),
            "MAPE": metrics.mean_absolute_percentage_error(truth[nonzero], predicted[nonzero], sample_weight=weights[nonzero]),
            "SMAPE": np.average(2 * np.abs(truth - predicted) / np.maximum(np.abs(truth) + np.abs(predicted), 1e-300), weights=weights),
            "pinball loss 0.1": metrics.mean_pinball_loss(truth, predicted, alpha=0.1, **w),
            "pinball loss 0.75": metrics.mean_pinball_loss(truth, predicted, alpha=0.75, **w),
        }
        if (truth >= 0).all() and (predicted > 0).all():
            expected["Poisson deviance"] = metrics.mean_poisson_deviance(truth, predicted, **w)
        cases.append(
            dict(truth=truth, predicted=predicted, weights=weights, quantiles=[0.1, 0.75], zeros=int((truth == 0).sum()), expected=expected)
        )
    return cases


def labels():
    cases = []
    for n, k in [(40, 3), (25, 6)]:
        truth = rng.random((n, k)) < np.linspace(0.2, 0.7, k)
        p = np.clip(0.5 * truth + rng.random((n, k)) * 0.6, 0.001, 0.999)
        weights = rng.integers(0, 4, n)
        predicted = p >= 0.5
        w = dict(sample_weight=weights)
        expected = {
            "micro F1": metrics.f1_score(truth, predicted, average="micro", **w),
            "macro F1": metrics.f1_score(truth, predicted, average="macro", **w),
            "subset accuracy": metrics.accuracy_score(truth, predicted, **w),
            "Hamming loss": metrics.hamming_loss(truth, predicted, **w),
            "log loss": np.mean([metrics.log_loss(truth[:, c], p[:, c], **w) for c in range(k)]),
        }
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, predicted, average=None, zero_division=0, **w)
        cases.append(
            dict(labels=k, truth=truth.ravel(), probability=p.ravel(), weights=weights, expected=expected, f1=f1, precision=precision, recall=recall)
        )
    return cases


def curves():
    cases = []
    for n, digits in [(40, 6), (80, 1)]:
        truth = rng.random(n) < 0.4
        score = np.round(truth * 0.6 + rng.normal(0, 0.5, n), digits)
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        cases.append(dict(truth=truth, score=score, recall=recall[:-1][::-1], precision=precision[:-1][::-1]))
    return cases


def temperature():
    cases = []
    for n, k, sure in [(120, 3, 3.0), (100, 2, 0.5), (80, 6, 1.7)]:
        logits = rng.normal(0, 1.2, (n, k))
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        truth = np.array([rng.choice(k, p=row) for row in p])
        q = np.exp(sure * logits) / np.exp(sure * logits).sum(1, keepdims=True)
        q = np.array(plain(q))

        def loss(log_t):
            z = np.log(q) / np.exp(log_t)
            z -= np.log(np.exp(z).sum(1, keepdims=True))
            return -z[np.arange(n), truth].mean()

        best = optimize.minimize_scalar(loss, bounds=(-4, 4), method="bounded", options=dict(xatol=1e-12))
        cases.append(dict(classes=k, truth=truth, probability=q.ravel(), temperature=np.exp(best.x), log_loss=best.fun))
    return cases


def mcnemar():
    cases = []
    for first, second in [(3, 9), (40, 25), (0, 7), (12, 12), (900, 1010), (7000, 7400), (30000, 29500)]:
        exact = first + second <= 10_000
        test = statsmodels_mcnemar([[0, first], [second, 0]], exact=exact, correction=True)
        cases.append(dict(first=first, second=second, p=test.pvalue))
    return cases


def delong():
    cases = []
    for n, digits in [(40, 8), (70, 1)]:
        truth = rng.random(n) < 0.45
        first = np.round(truth * 1.0 + rng.normal(0, 1, n), digits)
        second = np.round(0.5 * first + truth * 0.2 + rng.normal(0, 0.7, n), digits)

        def kernel(score):
            x, y = score[truth][:, None], score[~truth][None, :]
            return (x > y) + 0.5 * (x == y)

        a, b = kernel(first), kernel(second)
        d10, d01 = a.mean(1) - b.mean(1), a.mean(0) - b.mean(0)
        error = np.sqrt(d10.var(ddof=1) / len(d10) + d01.var(ddof=1) / len(d01))
        z = (a.mean() - b.mean()) / error
        cases.append(
            dict(truth=truth, first=first, second=second, first_auc=a.mean(), second_auc=b.mean(), standard_error=error, p=2 * stats.norm.sf(abs(z)))
        )
    return cases


def permutation():
    cases = []
    for n, shift in [(6, 0.5), (10, 0.2), (12, 1.0)]:
        d = np.round(rng.normal(shift, 1, n), 6)
        test = stats.permutation_test((d, np.zeros(n)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf)
        cases.append(dict(differences=d, p=test.pvalue))
    return cases


def bca():
    """SciPy's interval, with its own resamples handed over, and the jackknife that it makes."""
    cases = []
    for n, statistic in [(30, np.mean), (25, np.std)]:
        x = rng.exponential(2, n)
        result = stats.bootstrap((x,), statistic, n_resamples=400, method="BCa", rng=np.random.default_rng(5))
        ends = result.confidence_interval
        jackknifed = [statistic(np.delete(x, i)) for i in range(n)]
        cases.append(
            dict(estimate=statistic(x), resampled=result.bootstrap_distribution, jackknifed=jackknifed, interval=[ends.low, ends.high])
        )
    return cases


def normal_plot():
    """SciPy's places of ordered numbers (Filliben 1975), the line through the quartiles, and quantiles of ordered uniform numbers."""
    cases = []
    for n, draw in [(3, rng.normal), (12, rng.normal), (41, rng.standard_cauchy)]:
        residuals = np.array(plain(2.0 + 3.0 * draw(size=n)))
        normal, found = stats.probplot(residuals, fit=False)
        low, high = np.quantile(residuals, [0.25, 0.75])
        spread, centre = (high - low) / (2 * stats.norm.ppf(0.75)), (low + high) / 2
        rank = np.arange(1, n + 1)
        band = [centre + spread * stats.norm.ppf(stats.beta.ppf(tail, rank, n + 1 - rank)) for tail in (0.025, 0.975)]
        cases.append(dict(residuals=residuals, centre=centre, spread=spread, normal=normal, found=found, low=band[0], high=band[1]))
    return cases


CASES = [calibration, agreement, binary, multiclass, regression, labels, curves, temperature, mcnemar, delong, permutation, bca, normal_plot]
OUT.write_text(json.dumps({case.__name__: plain(case()) for case in CASES}) + "\n")
