"""Makes the files of tests/data/fixed_lists: lists of a fixed length, as pyarrow writes them, and what pyarrow reads from them.

    python3 tests/oracle/fixed_lists.py

`lengths.parquet` says that it holds lists of 0 elements, `endless.parquet` of 2**31 - 1, and `wide.parquet` holds 2,500 rows that are
null, in some hundred bytes, of lists of 2,000,000 numbers: 40 GB once a reader fills them up.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

folder = pathlib.Path(__file__).parent.parent / "data" / "fixed_lists"
folder.mkdir(exist_ok=True)

three = pa.list_(pa.uint8(), 3)
pictures = [[1, 2, 3], None, [4, None, 6], [0, 255, 7], [9, 9, 9], None, [None, None, None]]
table = pa.table({
    "id": pa.array(range(1, 8), pa.int64()),
    "picture": pa.array(pictures, three),
    "score": pa.array([[0.5, -1.0], [1e300, None], None, [2.0, 3.0], [0.0, 0.25], [1.0, 1.0], [-0.5, 8.0]], pa.list_(pa.float64(), 2)),
    "many": pa.array([[[1, 2, 3]], None, [], [None, [4, 5, 6]], [[7, 8, 9], [1, 1, 1]], [[2, 2, 2]], [None]], pa.list_(three)),
    "held": pa.array([{"a": [1, 2, 3], "b": "x"}, None, {"a": None, "b": "y"}, {"a": [7, 8, 9], "b": None}, {"a": [3, 3, 3], "b": ""}, None, {"a": None, "b": None}], pa.struct([("a", three), ("b", pa.string())])),
    "matrix": pa.array([[["a", "b"], ["c", None]], None, [None, ["d", "e"]], [["f", "g"], ["h", "i"]], [None, None], [["j", "k"], ["l", "m"]], [["", ""], ["n", "o"]]], pa.list_(pa.list_(pa.string(), 2), 2)),
})
pa.parquet.write_table(table, folder / "lists.parquet", row_group_size=3)
pa.feather.write_feather(table, folder / "lists.arrow", compression="lz4")
pa.parquet.write_table(pa.table({"picture": pa.array([None] * 5, three)}), folder / "nulls.parquet")
pa.parquet.write_table(pa.table({"picture": pa.array([], three)}), folder / "none.parquet")

hostile = {"lengths": (0, [[], None]), "endless": (2**31 - 1, [None])}
for name, (length, rows) in hostile.items():
    pa.parquet.write_table(pa.table({"id": range(len(rows)), "picture": pa.array(rows, pa.list_(pa.uint8(), length))}), folder / f"{name}.parquet")

# The same five rows again and again, because a row that is null takes the room of a list in Arrow as well.
some = pa.array([None] * 5, pa.list_(pa.int64(), 2_000_000))
wide = pa.table({"picture": pa.chunked_array([some] * 500)})
pa.parquet.write_table(wide, folder / "wide.parquet", row_group_size=wide.num_rows)

for name in ["lists", "nulls"]:
    read = pa.parquet.read_table(folder / f"{name}.parquet")
    (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in read.to_pylist()))
