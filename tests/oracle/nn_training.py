"""Expected numbers of losses, optimizers, schedules and whole trainings, computed by PyTorch in float64.

    pip install torch
    python tests/oracle/nn_training.py

It writes tests/data/oracle/nn_training.json, which the unit tests under src/nn/ read. Inputs are rounded to three decimals
before they are used, so that both programs start from the same numbers; results keep nine significant digits.
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "nn_training.json"

torch.set_default_dtype(torch.float64)
torch.manual_seed(20130101)


def draw(*shape, scale=1.0):
    """Normal numbers with three decimals."""
    return torch.round(torch.randn(*shape) * scale, decimals=3)


def plain(value):
    """A tensor as a flat list of numbers with nine significant digits."""
    if isinstance(value, torch.Tensor):
        return [plain(v) for v in value.detach().reshape(-1).tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value


def losses():
    """Mean losses and their gradients by logit: weighted by rows and by classes, smoothed, and with extreme logits."""
    cases = []

    def add(head, options, logits, targets, weights, row_losses, class_weights=None):
        z = logits.clone().requires_grad_()
        w = torch.ones(len(z)) if weights is None else weights
        if class_weights is not None:
            w = w * class_weights
        loss = (row_losses(z) * (1 if weights is None else weights)).sum() / w.sum()
        loss.backward()
        cases.append(dict(head=head, loss=options, logits=logits, targets=targets, weights=weights, value=loss.item(), gradient=z.grad))

    weight = torch.tensor([1.0, 0.25, 0.0, 2.0, 3.5, 1.0])
    by_class = torch.tensor([0.5, 2.0, 1.0, 3.0])
    binary = [draw(6, 1, scale=2.0), torch.tensor([[0.0], [1.0], [1.0], [0.0], [1.0], [1.0]])]
    labels = [draw(6, 3, scale=2.0), torch.round(torch.rand(6, 3))]
    numbers = [draw(6, 2, scale=2.0), draw(6, 2)]
    counts = [draw(6, 2), torch.round(torch.rand(6, 2) * 5)]
    classes = [draw(6, 4, scale=2.0), torch.tensor([0, 3, 1, 1, 2, 0])]
    bce = F.binary_cross_entropy_with_logits
    smooth = lambda t, s: t * (1 - s) + s / 2

    def focal(p, gamma):
        return -((1 - p) ** gamma) * p.log()

    for w in (None, weight):
        z, t = classes
        four = dict(multiclass=dict(classes=4))
        add(four, {}, z, t, w, lambda z: F.cross_entropy(z, t, reduction="none"))
        add(four, dict(label_smoothing=0.1), z, t, w, lambda z: F.cross_entropy(z, t, reduction="none", label_smoothing=0.1))
        both = lambda z: F.cross_entropy(z, t, by_class, reduction="none", label_smoothing=0.2)
        add(four, dict(label_smoothing=0.2, class_weights=by_class), z, t, w, both, by_class[t])
        p = lambda z: F.softmax(z, 1).gather(1, t[:, None])[:, 0]
        add(four, dict(kind="focal"), z, t, w, lambda z: focal(p(z), 2.0))
        weighted = lambda z: by_class[t] * focal(p(z), 0.5)
        add(four, dict(kind="focal", gamma=0.5, class_weights=by_class), z, t, w, weighted, by_class[t])

        zb, tb = binary
        add("binary", {}, zb, tb, w, lambda z: bce(z, tb, reduction="none")[:, 0])
        add("binary", dict(label_smoothing=0.2), zb, tb, w, lambda z: bce(z, smooth(tb, 0.2), reduction="none")[:, 0])
        yes = 1 + 2 * tb[:, 0]
        add("binary", dict(class_weights=[1.0, 3.0]), zb, tb, w, lambda z: yes * bce(z, tb, reduction="none")[:, 0], yes)
        right = lambda z, t: torch.sigmoid(z) * t + torch.sigmoid(-z) * (1 - t)
        add("binary", dict(kind="focal", gamma=1.5), zb, tb, w, lambda z: focal(right(z, tb), 1.5)[:, 0])

        zl, tl = labels
        three, lw = dict(multilabel=dict(labels=3)), torch.tensor([1.0, 0.5, 2.0])
        add(three, {}, zl, tl, w, lambda z: bce(z, tl, reduction="none").mean(1))
        per = lambda z: (bce(z, smooth(tl, 0.1), reduction="none") * lw).sum(1) / lw.sum()
        add(three, dict(label_smoothing=0.1, class_weights=lw), zl, tl, w, per)
        add(three, dict(kind="focal"), zl, tl, w, lambda z: focal(right(z, tl), 2.0).mean(1))

        zn, tn = numbers
        two = dict(regression=dict(outputs=2))
        add(two, {}, zn, tn, w, lambda z: F.mse_loss(z, tn, reduction="none").mean(1))
        add(two, dict(kind="mae"), zn, tn, w, lambda z: F.l1_loss(z, tn, reduction="none").mean(1))
        add(two, dict(kind="huber", delta=0.7), zn, tn, w, lambda z: F.huber_loss(z, tn, reduction="none", delta=0.7).mean(1))

        zc, tc = counts
        add(dict(counts=dict(outputs=2)), {}, zc, tc, w, lambda z: F.poisson_nll_loss(z, tc, reduction="none").mean(1))
    far = torch.tensor([[900.0, -900.0, 0.0], [-80.0, 80.0, 79.0], [0.0, 0.0, 0.0]])
    t = torch.tensor([1, 1, 2])
    add(dict(multiclass=dict(classes=3)), {}, far, t, None, lambda z: F.cross_entropy(z, t, reduction="none"))
    far, t = torch.tensor([[-900.0], [900.0], [-900.0], [80.0], [0.0]]), torch.tensor([[1.0], [1.0], [0.0], [0.0], [1.0]])
    add("binary", {}, far, t, None, lambda z: bce(z, t, reduction="none")[:, 0])
    return cases


def optimizers():
    """Parameters after each of six steps with given gradients."""
    start = draw(7)
    gradients = [draw(7) for _ in range(6)]
    o = torch.optim
    makers = [
        ("sgd", dict(learning_rate=0.1), lambda p: o.SGD(p, lr=0.1)),
        ("sgd", dict(learning_rate=0.1, weight_decay=0.3), lambda p: o.SGD(p, lr=0.1, weight_decay=0.3)),
        ("sgd", dict(learning_rate=0.1, momentum=0.9), lambda p: o.SGD(p, lr=0.1, momentum=0.9)),
        ("sgd", dict(learning_rate=0.05, momentum=0.9, nesterov=True), lambda p: o.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
        ("sgd", dict(learning_rate=0.05, momentum=0.8, weight_decay=0.1), lambda p: o.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.1)),
        ("rmsprop", dict(learning_rate=0.01), lambda p: o.RMSprop(p, lr=0.01)),
        (
            "rmsprop",
            dict(learning_rate=0.02, alpha=0.9, epsilon=1e-6, momentum=0.8, weight_decay=0.1),
            lambda p: o.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-6, momentum=0.8, weight_decay=0.1),
        ),
        ("adam", dict(), lambda p: o.Adam(p)),
        ("adam", dict(learning_rate=0.05, beta2=0.95, weight_decay=0.2), lambda p: o.Adam(p, lr=0.05, betas=(0.9, 0.95), weight_decay=0.2)),
        ("adamw", dict(), lambda p: o.AdamW(p)),
        (
            "adamw",
            dict(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6, weight_decay=0.2),
            lambda p: o.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.2),
        ),
    ]
    cases = []
    for kind, options, make in makers:
        p = start.clone().requires_grad_()
        optimizer, after = make([p]), []
        for g in gradients:
            p.grad = g.clone()
            optimizer.step()
            after.append(p.detach().clone())
        cases.append(dict(kind=kind, options=options, start=start, gradients=gradients, after=after))
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


def schedules():
    """By what the learning rate is multiplied in each step."""
    steps, per_epoch = 24, 4
    s = torch.optim.lr_scheduler

    def rates(make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule, factors = make(optimizer), []
        for _ in range(steps):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return factors

    warm = lambda o: s.SequentialLR(o, [s.LinearLR(o, 1 / 8, 1.0, 7), s.ConstantLR(o, 1.0, 1)], [7])
    cases = [
        (dict(kind="constant"), [1.0] * steps),
        (dict(kind=dict(step=dict(every=2, factor=0.5))), rates(lambda o: s.StepLR(o, 2 * per_epoch, 0.5))),
        (dict(kind=dict(cosine={})), rates(lambda o: s.CosineAnnealingLR(o, steps))),
        (dict(kind=dict(cosine=dict(end=0.1))), rates(lambda o: s.CosineAnnealingLR(o, steps, eta_min=0.1))),
        (dict(kind=dict(one_cycle={})), rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=steps + 1))[:steps]),
        (
            dict(kind=dict(one_cycle=dict(up=0.5, start_divisor=10, end_divisor=100))),
            rates(lambda o: s.OneCycleLR(o, 1.0, total_steps=steps + 1, pct_start=0.5, div_factor=10, final_div_factor=100))[:steps],
        ),
        (dict(kind="constant", warm_up=2), rates(warm)),
        # The formula of the paper, section 3.
        (dict(kind="coslog4"), [0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * i / steps))) for i in range(steps)]),
    ]
    return [
        # PyTorch's one-cycle schedule is asked once more after the last step, so it is made for one step more.
        dict(options=options, factors=factors, steps=steps + 1 if "one_cycle" in str(options) else steps, steps_per_epoch=per_epoch)
        for options, factors in cases
    ]


def plateaus():
    cases = []
    losses = [1.0, 0.9, 0.9, 0.89999, 0.95, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.7, 0.9, 0.9, 0.9]
    for options in (dict(factor=0.5, patience=2), dict(factor=0.1, patience=0, minimum=0.05), dict(factor=0.5, patience=1, threshold=0.2)):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=options["factor"], patience=options["patience"], threshold=options.get("threshold", 1e-4), min_lr=options.get("minimum", 0.0), eps=0.0
        )
        factors = []
        for loss in losses:
            schedule.step(loss)
            factors.append(optimizer.param_groups[0]["lr"])
        cases.append(dict(options=options, losses=losses, factors=factors))
    return cases


def learn(net, make, x, target, loss_of, clip=None, epochs=5, batch=130):
    """Trains without shuffling. Returns the mean loss of each epoch."""
    optimizer, history = make(net.parameters()), []
    for _ in range(epochs):
        total = 0.0
        for i in range(0, len(x), batch):
            optimizer.zero_grad()
            xb, tb = x[i : i + batch], target[i : i + batch]
            loss = loss_of(net(xb), tb)
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            total += loss.item() * len(xb)
        history.append(total / len(x))
    return history


def start(net, scale=0.5):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(draw(*p.shape, scale=scale))


def trainings():
    """Dense networks: batches of 130 rows of 150, so that batches are uneven and take several shards."""
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
            start(net)
            before = torch.cat([p.detach().reshape(-1) for p in net.parameters()])
            history = learn(net, make, x, target, loss_of, clip)
            after = torch.cat([p.detach().reshape(-1) for p in net.parameters()])
            cases.append(dict(head=head, optimizer=kind, clip=clip, target=target, start=before, losses=history, end=after, outputs=net(x[:3])))
    return [dict(x=x, cases=cases)]


class Residual(nn.Module):
    """Two convolutions with batch norms, and a way around them."""

    def __init__(self):
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.second, self.norm2 = nn.Conv2d(3, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.around, self.last = nn.Conv2d(1, 2, 1), nn.Linear(18, 3)

    def forward(self, x):
        y = F.relu(self.norm1(self.first(x)))
        y = F.relu(self.norm2(self.second(y)) + self.around(x))
        return self.last(F.max_pool2d(y, 2).movedim(1, -1).flatten(1))


def residual():
    """An image network whose batch norms see whole batches, however they are cut: names are those of the network here."""
    net, x = Residual(), draw(150, 1, 6, 6)
    start(net)
    last = lambda w: w.movedim(1, -1) if w.dim() == 4 else w
    names = [
        ("layer_1/1", net.first), ("layer_1/2", net.norm1), ("layer_1/4", net.second), ("layer_1/5", net.norm2),
        ("layer_1/around", net.around), ("head", net.last),
    ]  # fmt: skip

    def named():
        parts = {}
        for name, layer in names:
            weight, bias = ("factor", "shift") if isinstance(layer, nn.BatchNorm2d) else ("weight", "bias")
            parts[f"{name}.{weight}"], parts[f"{name}.{bias}"] = last(layer.weight).clone(), layer.bias.clone()
            if weight == "factor":
                parts[f"{name}.running_mean"], parts[f"{name}.running_variance"] = layer.running_mean.clone(), layer.running_var.clone()
        return plain(parts)

    target = (x.mean((1, 2, 3)).mul(8).round().clamp(-1, 1) + 1).long()
    before = named()
    history = learn(net, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), x, target, F.cross_entropy, epochs=3)
    net.eval()
    return [dict(x=x.movedim(1, -1), target=target, start=before, losses=history, end=named(), outputs=net(x[:3]))]


def bags():
    """A text network: the rows of a table that no text has do not change."""
    net = nn.Sequential(nn.EmbeddingBag(12, 3, mode="mean", padding_idx=0), nn.Linear(3, 2))
    start(net, 1.0)
    with torch.no_grad():
        net[0].weight[0] = 0
    x = torch.randint(0, 10, (150, 5))
    target = (x.sum(1) > 22).long()
    names = {"layer_1.weight": net[0].weight, "head.weight": net[1].weight, "head.bias": net[1].bias}
    before = plain({k: v.clone() for k, v in names.items()})
    history = learn(net, lambda p: torch.optim.SGD(p, lr=0.5), x, target, F.cross_entropy, clip=0.2)
    return [dict(x=x.double(), target=target, start=before, losses=history, end=names, outputs=net(x[:3]))]


result = dict(
    torch=torch.__version__.split("+")[0],
    losses=losses(),
    optimizers=optimizers(),
    clipping=clipping(),
    schedules=schedules(),
    plateaus=plateaus(),
    trainings=trainings(),
    residual=residual(),
    bags=bags(),
)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(plain(result), separators=(",", ":")) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
