"""Runs the SQL that gristmill prints for the relations of tests/it/relations.rs in DuckDB and stores the rows.

Needs `pip install duckdb` (the stored rows are of 2.0.1). Run it from anywhere: python tests/oracle/relations_duckdb.py
Values are stored as expressions_duckdb.py stores them.
"""

import json
import pathlib
import sys

import duckdb

from expressions_duckdb import connect, plain, stored

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "cases" / "relations"


def main():
    connection = connect()
    expected = {}
    wrong = 0
    for case, statement in json.loads((FOLDER / "duckdb.json").read_text()).items():
        sql = statement["sql"]
        try:
            described = connection.execute(f"DESCRIBE {sql}").fetchall()
            names = [f't."{column[0]}"' for column in described]
            columns = ", ".join(stored(column[1], name) for column, name in zip(described, names))
            rows = [plain(row) for row in connection.execute(f"SELECT {columns} FROM ({sql}) AS t").fetchall()]
        except duckdb.Error as error:
            wrong += 1
            print(f"{case}\n    {sql}\n    {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        expected[case] = {"types": [column[1] for column in described], "rows": rows}
    lines = [
        f"  {json.dumps(case, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for case, value in expected.items()
    ]
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(expected)} relations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
