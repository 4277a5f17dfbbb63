"""RealMLP-TD-S, its network and its training, by PyTorch in float64 from the parameters of the pytabkit package.

    pip install torch && pip install --no-deps --target tabkit pytabkit
    python tests/oracle/nn_realmlp.py tabkit

It writes tests/data/oracle/nn_realmlp.json, which the unit tests of src/nn/presets/ read. What the package states is
asserted here, and its own schedule is called; the network is written down as its paper has it: weights are standard normal
numbers which the layer divides by the square root of their inputs, yes or no are two classes. Layers have 8 units instead
of 256, so that the numbers fit into a small file.
"""

import importlib.util
import json
import pathlib
import sys
import unittest.mock

import torch
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "nn_realmlp.json"
PACKAGE = pathlib.Path(sys.argv[1]) / "pytabkit" / "models"
torch.set_default_dtype(torch.float64)
torch.manual_seed(20240705)


def module(path):
    """A file of the package by itself, without all that the package imports; what it imports joins dictionaries."""
    for name in ("pytabkit", "pytabkit.models"):
        sys.modules[name] = unittest.mock.MagicMock()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def plain(value):
    if isinstance(value, torch.Tensor):
        return [plain(v) for v in value.detach().reshape(-1).tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return float(f"{value:.9g}") if isinstance(value, float) else value


params = module(PACKAGE / "sklearn" / "default_params.py").DefaultParams
coslog4 = module(PACKAGE / "training" / "scheduling.py").CoslogFunc(4)
BY_KIND = dict(binary=params.RealMLP_TD_S_CLASS, multiclass=params.RealMLP_TD_S_CLASS, regression=params.RealMLP_TD_S_REG)
for p in BY_KIND.values():
    stated = dict(hidden_sizes=[256] * 3, weight_param="ntk", bias_lr_factor=0.1, block_str="w-b-a", add_front_scale=True, scale_lr_factor=6.0, bias_init_mode="normal", weight_init_mode="normal", last_layer_config=dict(bias_init_mode="zeros", weight_init_mode="zeros"), n_epochs=256, lr_sched="coslog4", opt="adam", sq_mom=0.95)
    assert {k: p[k] for k in stated} == stated, p

UNITS, FEATURES, ROWS, BATCH, EPOCHS = 8, 5, 60, 20, 6
ACTIVATIONS = dict(selu=F.selu, mish=F.mish)


def train(kind):
    p = BY_KIND[kind]
    width = dict(binary=2, multiclass=3, regression=1)[kind]
    x = torch.round(torch.randn(ROWS, FEATURES), decimals=3)
    score = x[:, 0] * x[:, 1] + x[:, 2]
    target = dict(binary=(score > 0).long(), multiclass=(score > -0.5).long() + (score > 0.5).long(), regression=score)[kind]
    sizes = [FEATURES, UNITS, UNITS, UNITS, width]
    scale = torch.ones(FEATURES, requires_grad=True)
    weights, biases = [], []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        last = i == 3
        weights.append((torch.zeros(b, a) if last else torch.round(torch.randn(b, a), decimals=3)).requires_grad_())
        biases.append((torch.zeros(b) if last else torch.round(torch.randn(b), decimals=3)).requires_grad_())

    def forward(x):
        x = x * scale
        for i, (w, b) in enumerate(zip(weights, biases)):
            x = x @ w.T / w.shape[1] ** 0.5 + b
            if i < 3:
                x = ACTIVATIONS[p["act"]](x)
        return x

    def stored():
        """As gristmill stores them: with the division in them, and yes or no as one logit."""
        result = {"scale.factor": scale}
        for name, w, b in zip(("layer_1", "layer_2", "layer_3", "head"), weights, biases):
            w = w / w.shape[1] ** 0.5
            if name == "head" and kind == "binary":
                w, b = w[1:] - w[:1], b[1:] - b[:1]
            result |= {f"{name}.weight": w.detach().clone(), f"{name}.bias": b.detach().clone()}
        return result | {"scale.factor": scale.detach().clone()}

    groups = [dict(params=[scale], factor=p["scale_lr_factor"]), dict(params=weights, factor=1.0), dict(params=biases, factor=p["bias_lr_factor"])]
    adam = torch.optim.Adam(groups, lr=p["lr"], betas=(0.9, p["sq_mom"]))
    start, rates, step, steps = stored(), [], 0, EPOCHS * ROWS // BATCH
    for _ in range(EPOCHS):
        for rows in torch.arange(ROWS).split(BATCH):
            rate = p["lr"] * coslog4(step / steps)
            rates.append(float(rate))
            for group in adam.param_groups:
                group["lr"] = rate * group["factor"]
            z = forward(x[rows])
            loss = F.mse_loss(z[:, 0], target[rows]) if kind == "regression" else F.cross_entropy(z, target[rows], label_smoothing=p["ls_eps"])
            adam.zero_grad()
            loss.backward()
            adam.step()
            step += 1
    z = forward(x)
    predictions = z if kind == "regression" else F.softmax(z, 1)[:, 1:] if kind == "binary" else F.softmax(z, 1)
    return dict(kind=kind, x=x, target=target, start=start, end=stored(), rates=rates, predictions=predictions)


cases = [train(kind) for kind in BY_KIND]
OUT.write_text(json.dumps(plain(dict(rows=ROWS, features=FEATURES, batch=BATCH, epochs=EPOCHS, units=UNITS, cases=cases)), separators=(",", ":")) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
