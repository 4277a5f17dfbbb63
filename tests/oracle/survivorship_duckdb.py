"""usage: survivorship_duckdb.py: writes tests/data/survivorship/people.csv (seeded) and golden.csv, the golden records as DuckDB makes them.

The first record is made with `keep: first` in the order of the rows, the second with `keep: last` ordered by `seen`.
"""

import csv
import pathlib
import random

import duckdb

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "survivorship"
luck = random.Random(11)
some = lambda values, share=0.75: luck.choice(values) if luck.random() < share else ""
rows = []
for number in range(400):
    key = some(["a", "b", "c", "d", "e", "f", "g"] + [f"k{luck.randrange(150)}" for _ in range(14)], 0.98)
    rows.append([
        number,
        key,
        some(["Ann", "Anne", "Ann-Marie", "Bo", "Bob", "Robert", "Zoë"]),
        some(["2023-01-05", "2023-01-06", "2024-02-29", "2022-12-31"]),
        some(["crm", "web", "shop", "old"], 0.9),
        some([f"{luck.randrange(5)}.5" for _ in range(3)]),
        some(["x", "y", "z"], 0.6),
        some(["2024-01-01 00:00:00", "2024-01-01 00:00:01", "2024-06-01 12:00:00"], 0.8),
    ])
FOLDER.mkdir(parents=True, exist_ok=True)
with open(FOLDER / "people.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "key", "name", "born", "source", "amount", "grade", "seen"])
    writer.writerows(rows)

db = duckdb.connect()
db.execute(f"""create table people as select row_number() over () - 1 as r, * from read_csv('{FOLDER}/people.csv', header = true, auto_detect = false, delim = ',', nullstr = '',
    columns = {{'id': 'bigint', 'key': 'varchar', 'name': 'varchar', 'born': 'date', 'source': 'varchar', 'amount': 'double', 'grade': 'varchar', 'seen': 'timestamp'}})""")
nulls = " + ".join(f"({column} is null)::int" for column in ["id", "key", "name", "born", "source", "amount", "grade", "seen"])
# `of(x, order)`: the first x that is not null in that order.
of = lambda column, order: f"first({column} order by {order}) filter (where {column} is not null)"
for name, preferred in [("first", "r"), ("last", "seen desc nulls first, r desc")]:
    db.execute(f"""copy (select
        first(id order by {preferred}) as id,
        key,
        {of('name', f'length(name) desc, {preferred}')} as name,
        {of('born', f'seen desc nulls last, {preferred}')} as born,
        {of('source', f"case source when 'shop' then 0 when 'crm' then 1 else 2 end, {preferred}")} as source,
        {of('amount', f'{nulls}, {preferred}')} as amount,
        (select min(g) from (select grade as g, count(*) as n from people p where p.key is not distinct from people.key and grade is not null group by grade
            qualify n = max(n) over ())) as grade,
        max(seen) as seen,
        count(*) as merged
    from people group by key order by min(r)) to '{FOLDER}/golden_{name}.csv' (header, delimiter ',', nullstr '')""")
print(db.execute("select count(*), count(distinct key) from people").fetchall())
