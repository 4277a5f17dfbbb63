#!/usr/bin/env python3
"""Links generated people within one file by gristmill and by Splink on DuckDB, with the same blocking rules, and judges both by the truth.

usage: link.py [--rows 1000000] [--rounds 1] [--folder FOLDER]

Run it with a Python that has splink and duckdb. Both programs read the CSV and write an entity for each row.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb

import comparison

RULES = [["phone"], ["given_name", "surname"], ["date_of_birth", "postcode"], ["date_of_birth", "surname"], ["date_of_birth", "given_name"], ["street", "postcode"]]
PIPELINE = """name: people
stages:
  - read: {{path: {people}, types: all_string}}
  - link:
      id: id
      on: [given_name, surname, date_of_birth, street_number, street, city, postcode, phone]
      block: {rules}
      threshold: 0.9
  - select: {{keep: [id, entity_id]}}
  - write: {{path: {out}}}
"""


def f1(people, entities):
    """F1 of the pairs of rows that are one entity."""
    pairs = "coalesce(sum(n * (n - 1) / 2), 0)"
    count = lambda keys: duckdb.sql(f"select {pairs} from (select count(*) as n from read_csv('{people}', all_varchar=true) p join read_csv('{entities}', all_varchar=true) e on p.id = e.id group by {keys})").fetchall()[0][0]
    entity = duckdb.sql(f"select * from read_csv('{entities}', all_varchar=true) limit 1").columns[1]
    right, linked, wanted = count(f"person, {entity}"), count(entity), count("person")
    return 2 * right / (linked + wanted), right / linked, right / wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--only", default="gristmill,splink")
    options = parser.parse_args()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    people = folder / f"people-{options.rows}.csv"
    if not people.exists():
        subprocess.run([sys.executable, comparison.FOLDER / "make_people.py", people, "--rows", str(options.rows)], check=True)
    rules = folder / "rules.json"
    rules.write_text(json.dumps(RULES))
    ours, theirs = folder / "gristmill.csv", folder / "splink.csv"
    pipeline = folder / "link.yaml"
    pipeline.write_text(PIPELINE.format(people=people, rules=json.dumps(RULES), out=ours))
    programs = [
        comparison.Program("gristmill", [comparison.GRISTMILL, "run", pipeline, "--dir", folder, "--threads", "2", "--no-cache", "--quiet"]),
        comparison.Program("Splink 5 on DuckDB", [sys.executable, comparison.FOLDER / "peers" / "link_splink.py", people, rules, theirs]),
    ]
    wanted = options.only.split(",")
    programs = [program for program in programs if program.name.split()[0].lower() in wanted]
    measured = comparison.compare(programs, options.rounds)
    columns = collections.defaultdict(dict)
    for program, file in [("gristmill", ours), ("Splink 5 on DuckDB", theirs)]:
        if program in measured and file.exists():
            for name, value in zip(["F1", "precision", "recall"], f1(people, file)):
                columns[name][program] = f"{value:.4f}"
                print(program, name, f"{value:.4f}", file=sys.stderr)
    if len(programs) == 2:
        note = f"{options.rows:,} generated people (benches/make_people.py), six blocking rules, usual comparisons of each program, linked from a probability of 0.9 on."
        comparison.store("link", f"{options.rows:,} people linked", measured, columns, note)


if __name__ == "__main__":
    main()
