"""usage: nn_torch.py tab|img DATA.npz EPOCHS OUT.json: the networks of ../nn.py in PyTorch, with one line for each thing."""

import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn

kind, data, epochs, out = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
torch.manual_seed(1)
x, y, unseen_x, unseen_y = (data[name] for name in ("x", "y", "unseen_x", "unseen_y"))
if kind == "img":
    x, unseen_x = (np.ascontiguousarray(v.transpose(0, 3, 1, 2)) for v in (x, unseen_x))
    model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
    size = 128
else:
    model = nn.Sequential(nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))
    size = 256
x, y, unseen_x, unseen_y = map(torch.from_numpy, (x, y, unseen_x, unseen_y))
adam, loss_of = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
seconds, losses, n = [], [], len(x)
for _ in range(epochs):
    began, total = time.perf_counter(), 0.0
    order = torch.randperm(n)
    model.train()
    for start in range(0, n, size):
        rows = order[start : start + size]
        adam.zero_grad()
        loss = loss_of(model(x[rows]), y[rows])
        loss.backward()
        adam.step()
        total += loss.item() * len(rows)
    seconds.append(time.perf_counter() - began)
    losses.append(total / n)
model.eval()
with torch.no_grad():
    accuracy = (model(unseen_x).argmax(1) == unseen_y).float().mean().item()
json.dump(dict(seconds=seconds, losses=losses, accuracy=accuracy, version=torch.__version__), open(out, "w"))
