"""Expected values of explanations: importance, dependence, SHAP values, gradients, distances.

    pip install torch captum shap scikit-learn
    python tests/oracle/explanation.py

It writes tests/data/oracle/explanation.json, which the unit tests under src/explanation/ read. The models are small: a layer of
tanh units or a linear function, whose weights are stored beside what they say. Permutations and dependence come from
scikit-learn, values by all subsets and those of linear models from shap, gradients and what is made of them from PyTorch and
Captum, distances are computed by the definition of Gower 1971.
"""

import json
import pathlib

import captum.attr
import numpy
import shap
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence, permutation_importance

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "explanation.json"

torch.set_default_dtype(torch.float64)
random = numpy.random.default_rng(20130101)


def draw(*shape, scale=1.0):
    """Normal numbers with three decimals."""
    return numpy.round(random.normal(size=shape) * scale, 3)


def plain(value):
    """Arrays and numbers as JSON has them, with nine significant digits."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, numpy.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (float, numpy.floating)):
        return float(f"{value:.9g}")
    if isinstance(value, numpy.integer):
        return int(value)
    return value


class Network(RegressorMixin, BaseEstimator):
    """`w2 tanh(w1 x + b1) + b2`."""

    def __init__(self, columns=4, units=5):
        self.w1, self.b1 = draw(units, columns, scale=0.8), draw(units)
        self.w2, self.b2 = draw(units), float(draw(1)[0])

    def __sklearn_is_fitted__(self):
        return True

    def stored(self):
        return dict(w1=self.w1, b1=self.b1, w2=self.w2, b2=self.b2)

    def fit(self, x, y):
        return self

    def predict(self, x):
        return numpy.tanh(numpy.asarray(x) @ self.w1.T + self.b1) @ self.w2 + self.b2

    def torch(self, x):
        w1, b1, w2 = (torch.tensor(v) for v in (self.w1, self.b1, self.w2))
        return torch.tanh(x @ w1.T + b1) @ w2 + self.b2


class Recorded(Network):
    """Remembers the rows that it was asked about, so that the order of a shuffled column can be told."""

    def predict(self, x):
        self.asked = getattr(self, "asked", [])
        self.asked.append(numpy.array(x))
        return super().predict(x)


def permutation():
    model = Recorded(3)
    x = draw(20, 3)
    assert all(len(set(column)) == len(column) for column in x.T)
    truth = numpy.round(model.predict(x) + draw(20, scale=0.2), 3)
    model.asked = []
    found = permutation_importance(model, x, truth, scoring="r2", n_repeats=3, random_state=1)
    asked = model.asked[1:]
    columns = []
    for column in range(3):
        orders = []
        for repeat in range(3):
            shuffled = asked[column * 3 + repeat][:, column]
            orders.append([int(numpy.flatnonzero(x[:, column] == v)[0]) for v in shuffled])
        columns.append(dict(orders=orders, drops=found.importances[column]))
    return [dict(model.stored(), x=x, truth=truth, columns=columns)]


def dependence():
    model = Network(3)
    x = draw(12, 3)
    lines = []
    for column in range(3):
        found = partial_dependence(model, x, [column], kind="both", grid_resolution=6, method="brute")
        lines.append(
            dict(
                column=column,
                grid=found["grid_values"][0],
                average=found["average"][0],
                individual=found["individual"][0],
            )
        )
    return [dict(model.stored(), x=x, lines=lines)]


def shapley():
    cases = []
    for columns in (3, 5):
        model = Network(columns)
        x, background = draw(3, columns), draw(12, columns)
        masker = shap.maskers.Independent(background, max_samples=100)
        found = shap.explainers.Exact(model.predict, masker)(x)
        kernel = shap.KernelExplainer(model.predict, background).shap_values(x, silent=True)
        assert numpy.allclose(kernel, found.values, atol=1e-6)
        base = float(numpy.ravel(found.base_values)[0])
        cases.append(dict(model.stored(), x=x, background=background, values=found.values, base=base))
    return cases


def linear():
    w, c = draw(4), float(draw(1)[0])
    x, background = draw(3, 4), draw(9, 4)
    masker = shap.maskers.Independent(background, max_samples=100)
    values = shap.LinearExplainer((w, c), masker).shap_values(x)
    return [dict(w=w, c=c, x=x, background=background, values=values)]


def expected_gradients():
    """The mean of the integrals from all rows of the background."""
    model = Network(4)
    x, background = draw(2, 4), draw(10, 4)
    method = captum.attr.IntegratedGradients(model.torch)
    values = numpy.zeros(x.shape)
    for row in background:
        ends = torch.tensor(row).repeat(len(x), 1)
        values += method.attribute(torch.tensor(x), ends, n_steps=200).detach().numpy() / len(background)
    return [dict(model.stored(), x=x, background=background, values=values)]


def saliency():
    model = Network(4)
    x = draw(2, 4)
    rows = torch.tensor(x, requires_grad=True)
    (gradients,) = torch.autograd.grad(model.torch(rows).sum(), rows)
    times = captum.attr.InputXGradient(model.torch).attribute(torch.tensor(x, requires_grad=True))
    torch.manual_seed(7)
    smooth = []
    for row in x:
        noisy = captum.attr.NoiseTunnel(captum.attr.Saliency(model.torch))
        found = noisy.attribute(
            torch.tensor(row)[None], nt_type="smoothgrad", nt_samples=20_000, stdevs=0.15 * float(row.max() - row.min()), abs=False
        )
        smooth.append(found.detach().numpy()[0])
    return [dict(model.stored(), x=x, gradients=gradients, gradients_times_input=times, smooth=smooth)]


def occlusion():
    model = Network(4)
    x = draw(2, 4)
    values = captum.attr.FeatureAblation(model.torch).attribute(torch.tensor(x), baselines=0.0)
    return [dict(model.stored(), x=x, values=values)]


def integrated_gradients():
    model = Network(4)
    x = draw(3, 4, scale=1.5)
    values = captum.attr.IntegratedGradients(model.torch).attribute(torch.tensor(x), n_steps=300)
    return [dict(model.stored(), x=x, values=values)]


def grad_cam():
    """A convolution, tanh, and a dense layer over all places; Captum has channels first."""
    height, width, channels = 3, 4, 2
    convolution = torch.nn.Conv2d(1, channels, 3, padding=1)
    flat = torch.nn.Linear(channels * height * width, 3)
    torch.manual_seed(3)
    torch.nn.init.normal_(convolution.weight)
    torch.nn.init.normal_(flat.weight)
    layer = torch.nn.Sequential(convolution, torch.nn.Tanh())
    model = torch.nn.Sequential(layer, torch.nn.Flatten(), flat)
    image = torch.tensor(draw(1, 1, height, width))
    large = (7, 5)
    found = captum.attr.LayerGradCam(model, layer).attribute(image, target=1, relu_attributions=True)
    resized = captum.attr.LayerAttribution.interpolate(found, large, interpolate_mode="bilinear")
    values = layer(image).detach().requires_grad_()
    (derivatives,) = torch.autograd.grad(flat(values.flatten(1))[0, 1], values)
    last = lambda v: v.detach()[0].permute(1, 2, 0).reshape(-1)
    return [
        dict(
            height=height,
            width=width,
            channels=channels,
            values=last(values),
            derivatives=last(derivatives),
            map=found[0, 0].reshape(-1),
            to_height=large[0],
            to_width=large[1],
            large=resized[0, 0].reshape(-1),
        )
    ]


def gower():
    n = 8
    a, b, c = draw(n), draw(n, scale=50.0), random.integers(0, 3, n)
    share = lambda v: numpy.abs(v[:, None] - v[None, :]) / (v.max() - v.min())
    distances = (share(a) + share(b) + (c[:, None] != c[None, :])) / 3.0
    return [dict(a=a, b=b, c=c, distances=distances)]


sections = dict(
    permutation=permutation(),
    dependence=dependence(),
    shapley=shapley(),
    linear=linear(),
    expected_gradients=expected_gradients(),
    saliency=saliency(),
    occlusion=occlusion(),
    integrated_gradients=integrated_gradients(),
    grad_cam=grad_cam(),
    gower=gower(),
)
OUT.write_text(json.dumps(plain(sections)) + "\n")
