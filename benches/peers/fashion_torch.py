"""usage: fashion_torch.py DATA.npz EPOCHS OUT.json AUGMENT: the network and the training of ../fashion.py in PyTorch."""

import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import affine_grid, grid_sample

data, epochs, out, augment = np.load(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
torch.manual_seed(1)
x, unseen_x = (torch.from_numpy(data[name]).float().div(255).reshape(-1, 1, 28, 28) for name in ("x", "unseen_x"))
y, unseen_y = (torch.from_numpy(data[name]) for name in ("y", "unseen_y"))
mean, deviation = x.mean(), x.std()
unseen_x = (unseen_x - mean) / deviation


def block(channels, filters):
    return nn.Conv2d(channels, filters, 3, padding="same", bias=False), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)


model = nn.Sequential(
    *block(1, 32), *block(32, 64), nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10)
)
weights = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
size, n = 64, len(x)
adamw = torch.optim.AdamW([{"params": weights, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=0.003)
steps = epochs * -(-n // size)
cycle = torch.optim.lr_scheduler.OneCycleLR(adamw, 0.003, steps, pct_start=0.3, div_factor=25, final_div_factor=1e4, cycle_momentum=False)
loss_of = nn.CrossEntropyLoss()


def varied(images):
    """Swapped and moved by whole pixels as one affine map; beyond the image it is black."""
    map_ = torch.zeros(len(images), 2, 3)
    map_[:, 0, 0] = 1 - 2 * (torch.rand(len(images)) < 0.5).float() if augment.get("flip") else 1
    map_[:, 1, 1] = 1
    most = int(augment.get("shift", 0) * 28)
    map_[:, :, 2] = torch.randint(-most, most + 1, (len(images), 2)) * 2 / 28
    return grid_sample(images, affine_grid(map_, list(images.shape), align_corners=False), align_corners=False)


def accuracy():
    model.eval()
    with torch.no_grad():
        right = sum((model(unseen_x[i : i + 1000]).argmax(1) == unseen_y[i : i + 1000]).sum().item() for i in range(0, len(unseen_x), 1000))
    return right / len(unseen_x)


found, began = [], time.perf_counter()
for _ in range(epochs):
    model.train()
    order = torch.randperm(n)
    for start in range(0, n, size):
        rows = order[start : start + size]
        adamw.zero_grad()
        loss_of(model((varied(x[rows]) - mean) / deviation), y[rows]).backward()
        adamw.step()
        cycle.step()
    judged = accuracy()
    found.append([time.perf_counter() - began, judged])
json.dump(dict(epochs=found, version=torch.__version__), open(out, "w"))
