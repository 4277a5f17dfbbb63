"""usage: nn_keras.py tab|img DATA.npz EPOCHS OUT.json: the networks of ../nn.py in Keras on TensorFlow."""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
threads = os.environ.get("THREADS", "2")
os.environ["OMP_NUM_THREADS"] = threads
import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(int(threads))
tf.config.threading.set_inter_op_parallelism_threads(int(threads))
kind, data, epochs, out = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
keras.utils.set_random_seed(1)
L = keras.layers
if kind == "img":
    layers = [L.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.MaxPool2D(), L.Conv2D(64, 3, activation="relu"), L.MaxPool2D(), L.Flatten(), L.Dropout(0.5), L.Dense(10)]
    size = 128
else:
    layers = [L.Input(data["x"].shape[1:]), L.Dense(128, "relu"), L.Dense(64, "relu"), L.Dense(2)]
    size = 256
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
x, y = data["x"], data["y"]
seconds, losses = [], []
for _ in range(epochs):
    began = time.perf_counter()
    history = model.fit(x, y, batch_size=size, epochs=1, verbose=0)
    seconds.append(time.perf_counter() - began)
    losses.append(history.history["loss"][0])
accuracy = model.evaluate(data["unseen_x"], data["unseen_y"], batch_size=1024, verbose=0)[1]
json.dump(dict(seconds=seconds, losses=losses, accuracy=accuracy, version=keras.__version__), open(out, "w"))
