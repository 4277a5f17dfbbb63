"""Checks the metrics that a run of pipelines/flights.yaml reports with NumPy and scikit-learn.

Usage, in the root of the repository after a run: python tests/oracle/flights_model.py [FOLDER OF THE RUN, . when absent]
Needs the PyPI packages duckdb, numpy and scikit-learn.

The weights differ between machines, so nothing is stored: DuckDB prepares the test days anew (flights_duckdb.py), NumPy puts them
through the weights of the saved model, and scikit-learn judges the result. Ends with an error when a metric differs.
"""

import json
import pathlib
import sys

import numpy
from sklearn import metrics

import flights_duckdb as oracle


def weights(path):
    """The tensors of a safetensors file."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    return {
        name: numpy.frombuffer(content[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]], dtype="<f4").reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"
    }


def inputs(encoder, scales):
    """The inputs [n, width] and the truth [n] of the test days."""
    names = [next(iter(feature.values()))["name"] for feature in encoder["features"]]
    table = oracle.connection.execute(f"select late, {', '.join(names)} from filled where part = 'test'").fetchnumpy()
    columns = []
    for feature, name in zip(encoder["features"], names):
        if "number" in feature:
            values = numpy.asarray(table[name], dtype="float64")
            center, scale = scales.get(name, (0.0, 1.0))
            columns.append((values - center) / scale)
            continue
        known = feature["category"]["vocabulary"]
        columns += [(table[name] == value).astype("float64") for value in known]
        if feature["category"]["rare"] > 0:
            columns.append((~numpy.isin(table[name].astype(str), known)).astype("float64"))
    return numpy.stack(columns, axis=1), numpy.asarray(table["late"], dtype=bool)


def forward(x, network, tensors):
    """The probability of yes."""
    for number, layer in enumerate(network["layers"], start=1):
        if "dense" in layer:
            assert layer["dense"]["activation"] == "relu"
            x = numpy.maximum(x @ tensors[f"layer_{number}.weight"].T.astype("float64") + tensors[f"layer_{number}.bias"], 0)
    logit = x @ tensors["head.weight"].T.astype("float64") + tensors["head.bias"]
    return 1 / (1 + numpy.exp(-logit[:, 0]))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    model = folder / "out" / "flights" / "model"
    oracle.load()
    oracle.prepare()
    scales = oracle.learned()["scales"]
    x, truth = inputs(json.loads((model / "encoder.json").read_text()), scales)
    probability = forward(x, json.loads((model / "network.json").read_text()), weights(model / "weights.safetensors"))
    predicted = probability >= 0.5
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "ROC AUC": metrics.roc_auc_score(truth, probability),
        "precision": metrics.precision_score(truth, predicted),
        "recall": metrics.recall_score(truth, predicted),
        "F1": metrics.f1_score(truth, predicted),
        "balanced accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "average precision": metrics.average_precision_score(truth, probability),
        "log loss": metrics.log_loss(truth, probability),
        "Brier score": metrics.brier_score_loss(truth, probability),
    }
    runs = [json.loads(path.read_text()) for path in sorted((folder / ".gristmill" / "runs").glob("*/manifest.json"))]
    run = [run for run in runs if run["pipeline"] == "flights" and run["status"] == "done"][-1]
    judged = next(stage for stage in run["stages"] if stage["id"] == "judged")
    reported = {metric["name"]: metric["value"] for exhibit in judged["exhibits"] if "metrics" in exhibit for metric in exhibit["metrics"]["metrics"]}
    wrong = 0
    for name, value in expected.items():
        # A probability of about 0.5 may fall on either side, because the network computes with 32 bits.
        agrees = abs(value - reported[name]) < 5e-5
        wrong += not agrees
        print(f"{name:20} {value:.6f} reported {reported[name]:.6f} {'' if agrees else 'DIFFERS'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
