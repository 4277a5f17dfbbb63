"""What onnxruntime makes of the ONNX files that gristmill writes.

    GRISTMILL_WRITE_ONNX=1 cargo test --release --lib onnx     # writes tests/data/oracle/nn_onnx/*.onnx
    pip install onnx onnxruntime
    python tests/oracle/nn_onnx.py

It checks each file by ONNX's own checker, runs it on rows of plain numbers, and writes inputs and outputs to
tests/data/oracle/nn_onnx.json, with which the unit tests under src/nn/onnx/ compare the predictions of the networks.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "oracle"
ROWS = 4
TOKENS = 9
# How many tokens each row has, of those that fit.
LENGTHS = [1.0, 0.4, 0.0, 0.2]


def rows_of(number, info):
    """Numbers between -1 and 1, or tokens with padding, 0, at the end."""
    shape = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    size = int(np.prod(shape))
    i, j = np.arange(ROWS)[:, None], np.arange(size)[None, :]
    if info.type.tensor_type.elem_type == onnx.TensorProto.INT64:
        tokens = 1 + (i * 5 + j * 3) % (TOKENS - 1)
        tokens[j >= np.array(LENGTHS)[:, None] * size] = 0
        return tokens.astype(np.int64)
    return (((i * 31 + j * 17 + number * 7) % 23) / 11 - 1).astype(np.float32).reshape([ROWS, *shape])


result = {"onnxruntime": onnxruntime.__version__}
for path in sorted((DATA / "nn_onnx").glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inputs = {info.name: rows_of(number, info) for number, info in enumerate(model.graph.input)}
    outputs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)
    assert all(np.isfinite(y).all() for y in outputs), path
    plain = lambda values: [float(f"{v:.9g}") for v in np.asarray(values).reshape(-1)]
    result[path.stem] = dict(rows=ROWS, inputs=[plain(x) for x in inputs.values()], outputs=[plain(y) for y in outputs])
    print(path.stem, [y.shape for y in outputs])
out = DATA / "nn_onnx.json"
out.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(f"{out}: {out.stat().st_size} bytes")
