"""Runs the SQL that gristmill prints for the cases of tests/cases/expressions in DuckDB and stores the rows.

Needs `pip install duckdb` (the stored rows are of 2.0.1). Run it from anywhere: python tests/oracle/expressions_duckdb.py
Floats are stored as their repr, dates as days since 1970, times and datetimes as microseconds (instants in UTC),
durations as microseconds, decimals as text.
"""

import json
import pathlib
import sys

import duckdb

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "cases" / "expressions"
TYPES = {
    "boolean": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
    "uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT", "float32": "FLOAT",
    "float64": "DOUBLE", "string": "VARCHAR", "date": "DATE", "time": "TIME", "datetime": "TIMESTAMP",
    "datetime(UTC)": "TIMESTAMPTZ", "list(int64)": "BIGINT[]", "list(float64)": "DOUBLE[]", "list(string)": "VARCHAR[]",
    "decimal(10, 2)": "DECIMAL(10, 2)",
}


def connect():
    connection = duckdb.connect()
    # One thread, so that rows keep their order; UTC, so that texts of instants are read alike everywhere.
    connection.execute("SET threads = 1")
    connection.execute("SET TimeZone = 'UTC'")
    for name, table in json.loads((FOLDER / "tables.json").read_text()).items():
        columns = ", ".join(f'"{column["name"]}" {TYPES[column["type"]]}' for column in table["columns"])
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        for row in table["rows"]:
            values = []
            for value, column in zip(row, table["columns"]):
                if isinstance(value, str) and column["type"].startswith("float"):
                    value = float(value)
                values.append(value)
            marks = ", ".join("?" for _ in values)
            connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)
    return connection


def stored(kind, column="v"):
    """SQL that turns a column of a type into what is stored."""
    if kind == "DATE":
        return f"CAST({column} - DATE '1970-01-01' AS BIGINT)"
    if kind == "TIME":
        return f"CAST(epoch({column}) * 1000000 AS BIGINT)"
    if kind in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        return f"epoch_us({column})"
    if kind == "INTERVAL":
        return f"CAST(round(epoch({column}) * 1000000) AS BIGINT)"
    if kind.startswith("DECIMAL"):
        return f"CAST({column} AS VARCHAR)"
    if kind == "BLOB":
        return f"hex({column})"
    if kind == "DATE[]":
        return f"list_transform({column}, lambda x: CAST(x - DATE '1970-01-01' AS BIGINT))"
    return column


def plain(value):
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return value


def key(row, keys):
    """The order in which the test sorts groups: by the JSON of the keys."""
    return [json.dumps(value, ensure_ascii=False) for value in row[:keys]]


def main():
    connection = connect()
    wrong = 0
    for file, statements in json.loads((FOLDER / "expected" / "duckdb.json").read_text()).items():
        expected = {}
        for case, statement in statements.items():
            if "refused" in statement:
                continue
            sql = statement["sql"]
            try:
                described = connection.execute(f"DESCRIBE {sql}").fetchall()
                kind = described[-1][1]
                names = [f'"{column[0]}"' for column in described[:-1]]
                columns = ", ".join([*names, stored(kind)])
                rows = [plain(row) for row in connection.execute(f"SELECT {columns} FROM ({sql}) AS t").fetchall()]
            except duckdb.Error as error:
                if statement["kind"] != "failure":
                    wrong += 1
                    print(f"{file} | {case}\n    {sql}\n    {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            if statement["kind"] == "failure":
                wrong += 1
                print(f"{file} | {case}\n    {sql}\n    did not fail", file=sys.stderr)
                continue
            if statement["kind"] == "aggregate":
                rows.sort(key=lambda row: key(row, statement["keys"]))
            elif statement["keys"] == 1:
                rows.sort(key=lambda row: row[0])
            expected[case] = {"type": kind, "rows": rows}
        path = FOLDER / "expected" / f"{file}.json"
        lines = [
            f"  {json.dumps(case, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
            for case, value in expected.items()
        ]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{file}: {len(expected)} cases")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
