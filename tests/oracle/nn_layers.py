"""Expected outputs and gradients of each layer of the neural network, computed by PyTorch in float64.

    pip install torch
    python tests/oracle/nn_layers.py

It writes tests/data/oracle/nn_layers.json, which the unit tests under src/nn/layers/ read. Inputs are rounded to three
decimals before they are used, so that both programs start from the same numbers; results keep nine significant digits.
PyTorch has images as [n, channels, height, width] and filters as [filters, channels, height, width]; here channels are last.
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

OUT = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle" / "nn_layers.json"

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


def case(options, inputs, parameters, forward, training=False, differentiable=True, **more):
    """Runs `forward(inputs, parameters)` and its way back for a random gradient by the output."""
    xs = [x.clone().requires_grad_(differentiable) for x in inputs]
    ps = [p.clone().requires_grad_() for p in parameters]
    y = forward(xs, ps)
    up = draw(*y.shape)
    y.backward(up)
    return dict(
        options=options,
        shapes=[list(x.shape[1:]) for x in inputs],
        rows=inputs[0].shape[0],
        inputs=inputs,
        parameters=parameters,
        upstream=up,
        y=y,
        dinputs=[x.grad for x in xs] if differentiable else None,
        dparameters=[p.grad for p in ps if p.grad is not None],
        training=training,
        **more,
    )


ACTIVATIONS = dict(
    relu=F.relu,
    leaky_relu=lambda v: F.leaky_relu(v, 0.01),
    gelu=F.gelu,
    selu=F.selu,
    silu=F.silu,
    mish=F.mish,
    tanh=torch.tanh,
    sigmoid=torch.sigmoid,
    softmax=lambda v: F.softmax(v, -1),
    linear=lambda v: v,
)


def activation(functions=ACTIVATIONS):
    cases = []
    for name, f in functions.items():
        x = torch.cat([draw(3, 5, scale=2.0), torch.tensor([[-20.0, -9.0, 0.25, 9.0, 20.0]])])
        x.requires_grad_()
        up, y = draw(4, 5), f(x)
        y.backward(up)
        cases.append(dict(activation=name, x=x, upstream=up, y=y, dx=x.grad))
    return cases


def dense():
    cases = []
    for units, shape in ((4, (5, 3)), (1, (5, 3)), (6, (2, 3, 3))):
        for name, f in ACTIVATIONS.items():
            w, b = draw(units, 3), draw(units)
            forward = lambda x, p: f(F.linear(x[0], p[0], p[1]))
            cases.append(case(dict(units=units, activation=name), [draw(*shape)], [w, b], forward))
    forward = lambda x, p: torch.tanh(F.linear(x[0], p[0]))
    cases.append(case(dict(units=5, activation="tanh", bias=False), [draw(4, 3)], [draw(5, 3)], forward))
    return cases


def layer_norm():
    forward = lambda x, p: F.layer_norm(x[0], (6,), p[0], p[1])
    return [case(dict(), [draw(*shape) * 3 + 2], [draw(6), draw(6)], forward) for shape in ((4, 6), (2, 3, 6))]


def batch_norm():
    cases = []
    for shape in ((6, 3), (4, 2, 2, 3)):
        for training in (True, False):
            x, mean, variance = draw(*shape) * 3 + 2, draw(3), draw(3).abs() + 0.5
            after = [mean.clone(), variance.clone()]
            move = lambda v: v.movedim(-1, 1)

            def forward(x, p):
                running = after if training else [mean, variance]
                return F.batch_norm(move(x[0]), running[0], running[1], p[0], p[1], training, 0.1, 1e-5).movedim(1, -1)

            cases.append(case(dict(), [x], [draw(3), draw(3)], forward, training))
            cases[-1]["parameters"] += [mean, variance]
            cases[-1]["running"] = torch.cat(after)
    return cases


def tokens(rows, length, count):
    return torch.randint(0, count, (rows, length)).double()


def embedding():
    w = draw(7, 3)
    first = case(dict(tokens=7, size=3, padding=False), [tokens(4, 5, 7)], [w], lambda x, p: F.embedding(x[0].long(), p[0]), differentiable=False)
    w = draw(7, 3)
    w[0] = 0
    forward = lambda x, p: F.embedding(x[0].long(), p[0], padding_idx=0)
    return [first, case(dict(tokens=7, size=3), [tokens(4, 5, 7)], [w], forward, differentiable=False)]


def embedding_bag():
    cases = []
    for mode in ("mean", "sum"):
        x, w = tokens(4, 5, 6), draw(6, 3)
        x[1] = torch.tensor([2, 2, 0, 0, 0])
        x[2] = 0
        forward = lambda x, p: F.embedding_bag(x[0].long(), p[0], mode=mode, padding_idx=0)
        cases.append(case(dict(tokens=6, size=3, pooling=mode), [x], [w], forward, differentiable=False))
    return cases


def same(size, kernel, stride, dilation):
    """The zeros before and after, as Keras counts them."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def conv2d():
    cases = []
    for options, size, channels in [
        (dict(filters=4, kernel=[3, 3], activation="relu"), (6, 5), 1),
        (dict(filters=3, kernel=[3, 2], activation="gelu", stride=[2, 1]), (7, 6), 2),
        (dict(filters=2, kernel=[3, 3], activation="tanh", padding="same"), (5, 6), 3),
        (dict(filters=2, kernel=[4, 3], activation="linear", padding="same", stride=[2, 3]), (7, 8), 2),
        (dict(filters=2, kernel=[3, 3], activation="selu", padding={"of": [1, 2]}, dilation=[1, 2]), (6, 8), 2),
        (dict(filters=4, kernel=[2, 3], activation="mish", groups=2), (5, 5), 4),
        (dict(filters=6, kernel=[3, 3], activation="linear", groups=3, bias=False, padding="same"), (4, 4), 3),
    ]:
        stride, dilation, groups = options.get("stride", [1, 1]), options.get("dilation", [1, 1]), options.get("groups", 1)
        padding, f = options.get("padding", "valid"), ACTIVATIONS[options["activation"]]
        if padding == "same":
            pads = [same(size[i], options["kernel"][i], stride[i], dilation[i]) for i in (0, 1)]
        else:
            pads = [(p, p) for p in (padding["of"] if isinstance(padding, dict) else (0, 0))]

        def forward(x, p):
            x = F.pad(x[0].movedim(-1, 1), (*pads[1], *pads[0]))
            y = F.conv2d(x, p[0].movedim(-1, 1), p[1] if len(p) > 1 else None, stride, 0, dilation, groups)
            return f(y.movedim(1, -1))

        ps = [draw(options["filters"], *options["kernel"], channels // groups)]
        if options.get("bias", True):
            ps.append(draw(options["filters"]))
        cases.append(case(options, [draw(3, *size, channels)], ps, forward))
    return cases


def conv1d():
    cases = []
    for options in (dict(filters=4, kernel=3), dict(filters=3, kernel=2, stride=2, dilation=2, activation="tanh", padding="same")):
        f, stride, dilation = ACTIVATIONS[options.get("activation", "relu")], options.get("stride", 1), options.get("dilation", 1)
        pads = same(7, options["kernel"], stride, dilation) if "padding" in options else (0, 0)

        def forward(x, p):
            y = F.conv1d(F.pad(x[0].movedim(-1, 1), pads), p[0].movedim(-1, 1), p[1], stride, 0, dilation)
            return f(y.movedim(1, -1))

        cases.append(case(options, [draw(3, 7, 2)], [draw(options["filters"], options["kernel"], 2), draw(options["filters"])], forward))
    return cases


def max_pool():
    image = lambda k, s, p: lambda x, _: F.max_pool2d(x[0].movedim(-1, 1), k, s, p).movedim(1, -1)
    sequence = lambda x, _: F.max_pool1d(x[0].movedim(-1, 1), 2).movedim(1, -1)
    return [
        case(dict(), [draw(2, 5, 6, 3)], [], image(2, 2, 0)),
        case(dict(window=[3, 2], stride=[2, 1]), [draw(2, 6, 5, 2)], [], image((3, 2), (2, 1), 0)),
        case(dict(window=[3, 3], stride=[2, 2], padding={"of": [1, 1]}), [draw(2, 6, 5, 2)], [], image(3, 2, 1)),
        case(dict(), [draw(2, 7, 3)], [], sequence),
    ]


def average_pool():
    image = lambda k, s, p: lambda x, _: F.avg_pool2d(x[0].movedim(-1, 1), k, s, p, count_include_pad=False).movedim(1, -1)
    sequence = lambda x, _: F.avg_pool1d(x[0].movedim(-1, 1), 2).movedim(1, -1)
    return [
        case(dict(), [draw(2, 5, 6, 3)], [], image(2, 2, 0)),
        case(dict(window=[3, 2], stride=[2, 1]), [draw(2, 6, 5, 2)], [], image((3, 2), (2, 1), 0)),
        case(dict(window=[3, 3], stride=[2, 2], padding={"of": [1, 1]}), [draw(2, 6, 5, 2)], [], image(3, 2, 1)),
        case(dict(), [draw(2, 7, 3)], [], sequence),
    ]


def global_average_pool():
    return [case(dict(), [draw(2, 3, 4, 5)], [], lambda x, _: x[0].mean((1, 2))), case(dict(), [draw(2, 3, 4)], [], lambda x, _: x[0].mean(1))]


def global_max_pool():
    return [case(dict(), [draw(2, 3, 4, 5)], [], lambda x, _: x[0].amax((1, 2))), case(dict(), [draw(2, 3, 4)], [], lambda x, _: x[0].amax(1))]


def recurrent(make, gates, two_biases):
    cases = []
    for sequences in (False, True):
        for backward in (False, True):
            net = make(3, 4, batch_first=True)
            params = dict(net.named_parameters())
            wi, wh, bi, bh = draw(gates * 4, 3), draw(gates * 4, 4), draw(gates * 4), draw(gates * 4)

            def forward(x, p):
                bias = (p[2], p[3]) if two_biases else (p[2], torch.zeros(gates * 4))
                names = dict(weight_ih_l0=p[0], weight_hh_l0=p[1], bias_ih_l0=bias[0], bias_hh_l0=bias[1])
                given = x[0].flip(1) if backward else x[0]
                y = torch.func.functional_call(net, names, (given,))[0]
                if sequences:
                    return y.flip(1) if backward else y
                return y[:, -1]

            assert set(params) == {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}
            ps = [wi, wh, bi, bh] if two_biases else [wi, wh, bi]
            cases.append(case(dict(units=4, sequences=sequences, backward=backward), [draw(3, 5, 3)], ps, forward))
    return cases


def attention():
    cases = []
    for heads, causal in ((1, False), (2, False), (2, True)):
        net = nn.MultiheadAttention(4, heads, batch_first=True)

        def forward(x, p):
            names = {"in_proj_weight": p[0], "in_proj_bias": p[1], "out_proj.weight": p[2], "out_proj.bias": p[3]}
            mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
            return torch.func.functional_call(net, names, (x[0], x[0], x[0]), dict(need_weights=False, attn_mask=mask))[0]

        ps = [draw(12, 4), draw(12), draw(4, 4), draw(4)]
        cases.append(case(dict(heads=heads, causal=causal), [draw(3, 5, 4)], ps, forward))
    return cases


def padded(rows, length, lengths):
    """Tokens of which those from the end of each row on are 0, padding."""
    mask = torch.ones(rows, length)
    for row, own in enumerate(lengths):
        mask[row, own:] = 0
    return mask


def recurrent_padded(make, gates, two_biases):
    """As `recurrent`, over packed sequences: padding at the end is not read. PyTorch refuses rows of nothing but padding."""
    cases = []
    lengths = [3, 5, 1]
    mask = padded(3, 5, lengths)
    for sequences in (False, True):
        for backward in (False, True):
            net = make(3, 4, batch_first=True, bidirectional=True)
            ps = [draw(gates * 4, 3), draw(gates * 4, 4), draw(gates * 4)] + ([draw(gates * 4)] if two_biases else [])

            def forward(x, p):
                biases = (p[2], p[3]) if two_biases else (p[2], torch.zeros(gates * 4))
                names = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), (p[0], p[1], *biases)))
                names |= {k + "_reverse": v for k, v in names.items()}
                packed = nn.utils.rnn.pack_padded_sequence(x[0], lengths, batch_first=True, enforce_sorted=False)
                y, last = torch.func.functional_call(net, names, (packed,))
                if not sequences:
                    return (last[0] if gates == 4 else last)[int(backward)]
                both, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=5)
                return both[..., 4:] if backward else both[..., :4]

            cases.append(case(dict(units=4, sequences=sequences, backward=backward), [draw(3, 5, 3)], ps, forward, mask=mask))
    return cases


def attention_padded():
    cases = []
    mask = padded(3, 5, [3, 5, 1])
    for heads, causal in ((2, False), (2, True)):
        net = nn.MultiheadAttention(4, heads, batch_first=True)

        def forward(x, p):
            names = {"in_proj_weight": p[0], "in_proj_bias": p[1], "out_proj.weight": p[2], "out_proj.bias": p[3]}
            later = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
            hidden = dict(need_weights=False, attn_mask=later, key_padding_mask=mask == 0)
            return torch.func.functional_call(net, names, (x[0], x[0], x[0]), hidden)[0]

        ps = [draw(12, 4, scale=0.5), draw(12), draw(4, 4), draw(4)]
        cases.append(case(dict(heads=heads, causal=causal), [draw(3, 5, 4)], ps, forward, mask=mask))
    return cases


def pool_padded(of_rows):
    lengths = [3, 5, 1]
    forward = lambda x, _: torch.stack([of_rows(row[:own]) for row, own in zip(x[0], lengths)])
    return [case(dict(), [draw(3, 5, 4)], [], forward, mask=padded(3, 5, lengths))]


result = dict(
    torch=torch.__version__.split("+")[0],
    activation=activation(),
    dense=dense(),
    layer_norm=layer_norm(),
    batch_norm=batch_norm(),
    embedding=embedding(),
    embedding_bag=embedding_bag(),
    conv1d=conv1d(),
    conv2d=conv2d(),
    max_pool=max_pool(),
    average_pool=average_pool(),
    global_average_pool=global_average_pool(),
    global_max_pool=global_max_pool(),
    lstm=recurrent(nn.LSTM, 4, False),
    gru=recurrent(nn.GRU, 3, True),
    attention=attention(),
    activation_elu=activation(dict(elu=F.elu)),
    lstm_padded=recurrent_padded(nn.LSTM, 4, False),
    gru_padded=recurrent_padded(nn.GRU, 3, True),
    attention_padded=attention_padded(),
    global_average_pool_padded=pool_padded(lambda row: row.mean(0)),
    global_max_pool_padded=pool_padded(lambda row: row.amax(0)),
)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(plain(result), separators=(",", ":")) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
