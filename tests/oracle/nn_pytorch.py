"""Expected numbers for the neural network, computed by PyTorch in float64.

    pip install torch
    python tests/oracle/nn_pytorch.py

It writes tests/data/oracle/nn_pytorch.json, which the unit tests under src/nn/ read. Inputs are rounded to three decimals
before they are used, so that both programs start from the same numbers; results keep nine significant digits.
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "nn_pytorch.json"

torch.set_default_dtype(torch.float64)
torch.manual_seed(20130101)


def draw(*shape, scale=1.0):
    """Normal numbers with three decimals."""
    return torch.round(torch.randn(*shape) * scale, decimals=3)


def plain(value):
    """A tensor as nested lists of numbers with nine significant digits."""
    if isinstance(value, torch.Tensor):
        return plain(value.detach().tolist())
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value


def dense():
    """One dense layer with each activation: outputs and gradients for a given upstream gradient. Also a layer of one unit."""
    cases = []
    for units in (4, 1):
        x, w, b, up = draw(5, 3), draw(units, 3), draw(units), draw(5, units)
        for name, f in [("linear", lambda v: v), ("relu", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid)]:
            xs, ws, bs = (t.clone().requires_grad_() for t in (x, w, b))
            y = f(F.linear(xs, ws, bs))
            y.backward(up)
            cases.append(dict(activation=name, x=x, weight=w, bias=b, upstream=up, y=y, dx=xs.grad, dweight=ws.grad, dbias=bs.grad))
    return cases


def losses():
    """Mean losses and their gradients by logit, without and with sample weights (weighted mean), and with extreme logits."""
    cases = []

    def add(kind, logits, target, weight, per_row):
        z = logits.clone().requires_grad_()
        rows = per_row(z, target)
        loss = rows.mean() if weight is None else (rows * weight).sum() / weight.sum()
        loss.backward()
        cases.append(dict(kind=kind, logits=logits, target=target, weight=weight, loss=loss, gradient=z.grad))

    def cross_entropy(z, t):
        return F.cross_entropy(z, t, reduction="none")

    def binary(z, t):
        return F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(1)

    def mse(z, t):
        return F.mse_loss(z, t, reduction="none").mean(1)

    weight = torch.tensor([1.0, 0.25, 0.0, 2.0, 3.5, 1.0])
    for w in (None, weight):
        add("cross_entropy", draw(6, 4, scale=2.0), torch.tensor([0, 3, 1, 1, 2, 0]), w, cross_entropy)
        add("binary_cross_entropy", draw(6, 1, scale=2.0), torch.tensor([[0.0], [1.0], [1.0], [0.0], [1.0], [0.3]]), w, binary)
        add("squared_error", draw(6, 2, scale=2.0), draw(6, 2), w, mse)
    far = torch.tensor([[900.0, -900.0, 0.0], [-80.0, 80.0, 79.0], [0.0, 0.0, 0.0]])
    add("cross_entropy", far, torch.tensor([1, 1, 2]), None, cross_entropy)
    far = torch.tensor([[-900.0], [900.0], [-900.0], [80.0], [0.0]])
    add("binary_cross_entropy", far, torch.tensor([[1.0], [1.0], [0.0], [0.0], [1.0]]), None, binary)
    return cases


def optimizers():
    """Parameters after each of six steps with given gradients."""
    start = draw(7)
    gradients = [draw(7) for _ in range(6)]
    makers = [
        ("sgd", dict(learning_rate=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        ("sgd", dict(learning_rate=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        ("sgd", dict(learning_rate=0.05, momentum=0.9, nesterov=True), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
        (
            "sgd",
            dict(learning_rate=0.05, momentum=0.8, weight_decay=0.1),
            lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.1),
        ),
        ("adamw", dict(), lambda p: torch.optim.AdamW(p)),
        (
            "adamw",
            dict(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6, weight_decay=0.2),
            lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.2),
        ),
        ("adamw", dict(learning_rate=0.02, weight_decay=0.0), lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.0)),
    ]
    cases = []
    for kind, options, make in makers:
        p = start.clone().requires_grad_()
        optimizer, after = make([p]), []
        for g in gradients:
            p.grad = g.clone()
            optimizer.step()
            after.append(p.detach().clone())
        cases.append(dict(kind=kind, options=options, start=start, gradients=torch.stack(gradients), after=torch.stack(after)))
    return cases


def clipping():
    cases = []
    for limit in (0.5, 100.0):
        p = torch.zeros(5).requires_grad_()
        g = draw(5)
        p.grad = g.clone()
        nn.utils.clip_grad_norm_([p], limit)
        cases.append(dict(limit=limit, gradient=g, clipped=p.grad))
    return cases


def trainings():
    """Whole trainings without shuffling: batches of 130 rows of 150, so that batches are uneven and take several shards."""
    cases = []
    x = draw(150, 4)
    heads = {
        "binary": (1, (x[:, :1] * x[:, 1:2] > 0).double(), lambda z, t: F.binary_cross_entropy_with_logits(z, t)),
        "multiclass": (3, (x[:, 0] + x[:, 1]).mul(1.2).round().clamp(-1, 1).add(1).long(), F.cross_entropy),
        "regression": (2, torch.round(torch.stack([x[:, 0] * x[:, 1], x[:, 2] - x[:, 3]], 1), decimals=3), F.mse_loss),
    }
    for head, (width, target, loss_of) in heads.items():
        for kind, make, clip in [
            ("sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), None),
            ("adamw", lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05), 0.3),
        ]:
            net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, width))
            with torch.no_grad():
                for p in net.parameters():
                    p.copy_(draw(*p.shape, scale=0.5))
            start = [p.detach().clone() for p in net.parameters()]
            optimizer, history = make(net.parameters()), []
            for _ in range(5):
                total = 0.0
                for i in range(0, len(x), 130):
                    optimizer.zero_grad()
                    xb, tb = x[i : i + 130], target[i : i + 130]
                    loss = loss_of(net(xb), tb)
                    loss.backward()
                    if clip is not None:
                        nn.utils.clip_grad_norm_(net.parameters(), clip)
                    optimizer.step()
                    total += loss.item() * len(xb)
                history.append(total / len(x))
            cases.append(
                dict(
                    head=head,
                    optimizer=kind,
                    clip=clip,
                    target=target,
                    start=start,
                    losses=history,
                    end=[p.detach() for p in net.parameters()],
                    outputs=net(x[:3]),
                )
            )
    return dict(x=x, cases=cases)


result = dict(
    torch=torch.__version__.split("+")[0],
    dense=dense(),
    losses=losses(),
    optimizers=optimizers(),
    clipping=clipping(),
    trainings=trainings(),
)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(plain(result), separators=(",", ":")) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
