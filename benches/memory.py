#!/usr/bin/env python3
"""Work on tables that do not fit into the memory that is allowed, by gristmill and by peers with the same limit.

usage: memory.py WORKLOAD FOLDER [--memory 2GiB] [--rounds 1] [--only gristmill,duckdb,polars]

WORKLOAD is one of
  sales        the preparation of pipelines/sales.yaml on 63 million rows (TPC-H lineitem of scale 10, made messy)
  keep_latest  of 100 million versions of 50 million keys, the latest of each
  sort         TPC-H lineitem of scale 10, all columns, by day of shipping and price

FOLDER holds the inputs, which are made when they are missing (lineitem.parquet of scale 10 has to be there:
`tpchgen-cli parquet -s 10 --tables=lineitem --output-dir=FOLDER`), and what the programs write. A peer that takes four times
the memory that it is allowed is stopped.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import duckdb

from comparison import FOLDER, GRISTMILL, Program, compare, store

UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
INPUTS = {"sales": "sales.parquet", "keep_latest": "versions.parquet", "sort": "lineitem.parquet"}
PIPELINES = {"sales": "sales_parquet.yaml", "keep_latest": "keep_latest.yaml", "sort": "sort_lineitem.yaml"}
TITLES = {"sales": "63 million order lines prepared", "keep_latest": "latest of 100 million versions", "sort": "60 million rows sorted"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=INPUTS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--peer-memory", default=None, help="the limit of the peers, where it is another one")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="gristmill,duckdb,polars")
    parser.add_argument("--gristmill", default=GRISTMILL)
    return parser.parse_args()


def size(text):
    return int(float(text[:-3]) * UNITS[text[-3:]])


def prepare(workload, folder):
    """The input of a workload, made when it is missing."""
    target = folder / INPUTS[workload]
    if target.exists():
        return target
    lines = folder / "lineitem.parquet"
    if workload == "sales":
        subprocess.run([sys.executable, FOLDER / "make_sales.py", lines, target], check=True)
    elif workload == "keep_latest":
        # Each key comes twice, 50 million rows apart; no key has two equal versions, and neighbours are unlike each other.
        connection = duckdb.connect()
        connection.execute("set preserve_insertion_order = false; set memory_limit = '8GB'")
        connection.execute(f"""copy (
          select i * 48271 % 50000000 as id, i * 7919 % 100000007 as version, (i * 31 % 100003) / 100 as amount, 'note ' || (i * 17 % 1009) as note
          from range(100000000) t(i)) to '{target}' (format parquet, compression snappy)""")
    else:
        sys.exit(f"{target} is missing: {__doc__}")
    return target


def programs(options, source):
    limit = size(options.memory)
    peer = size(options.peer_memory or options.memory)
    found = []
    for name in options.only.split(","):
        out = options.folder / f"out-{name}"
        words = {
            "gristmill": [options.gristmill, "run", FOLDER / "pipelines" / PIPELINES[options.workload], "--set", f"input={source}", "--set", f"out={out}", "--dir", out, "--threads", "2", "--memory", options.memory, "--quiet"],
            "duckdb": [sys.executable, FOLDER / "peers" / "memory_duckdb.py", options.workload, source, out, f"{peer // 1000}KB"],
            "polars": [sys.executable, FOLDER / "peers" / "memory_polars.py", options.workload, source, out, f"{peer // 1_000_000}"],
        }[name]

        def before(out=out):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)

        found.append(Program(name, words, before=before, stop_above=None if name == "gristmill" else 4 * limit, timeout=1800.0))
    return found


SALES = """
select count(*) as rows, sum(order_id) as orders, sum(line) as lines, sum(quantity) as quantity, sum(amount) as amount,
  sum(discount) as discount, count(ship_date) as days, sum(ship_date - date '1970-01-01') as shipped, sum(hash(ship_mode) % 1000003) as modes,
  sum(updated_at - date '1970-01-01') as updated, sum(abs(amount_z)) as amounts, sum(abs(quantity_z)) as quantities
from '{out}/sales.parquet'"""
STATISTICS = "select ship_mode, return_flag, n, mean, round(sum, 0), median from '{out}/statistics.parquet' order by 1, 2"
LATEST = "select count(*), sum(id), sum(version), sum(amount), sum(hash(note) % 1000003) from '{out}/latest.parquet'"
# The place of a row counts, so that another order gives another number; ties may be ordered in two ways.
SORTED = """
select count(*), sum(case when (day, price) < (before_day, before_price) then 1 else 0 end) as wrong, sum(l_orderkey), sum(l_linenumber), sum(hash(l_comment) % 1000003)
from (select *, l_shipdate as day, l_extendedprice as price, lag(l_shipdate) over w as before_day, lag(l_extendedprice) over w as before_price
  from read_parquet('{out}/sorted.parquet', file_row_number = true) window w as (order by file_row_number))"""


def summary(workload, out):
    connection = duckdb.connect()
    connection.execute("set memory_limit = '8GB'")
    queries = {"sales": [SALES, STATISTICS], "keep_latest": [LATEST], "sort": [SORTED]}[workload]
    return [connection.execute(query.format(out=out)).fetchall() for query in queries]


def close(left, right):
    """Whether two summaries agree; numbers to 1e-9 of their size, because sums of floats depend on their order."""
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(close(*pair) for pair in zip(left, right))
    if isinstance(left, float) or isinstance(right, float):
        return left is not None and right is not None and abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1.0)
    return left == right


def main():
    options = arguments()
    options.folder = options.folder.resolve()
    source = prepare(options.workload, options.folder)
    measured = compare(programs(options, source), options.rounds)
    summaries = {}
    for name, runs in measured.items():
        if not any(run.failure for run in runs):
            summaries[name] = summary(options.workload, options.folder / f"out-{name}")
    first = next(iter(summaries.items()), None)
    for name, found in summaries.items():
        if not close(found, first[1]):
            sys.exit(f"{first[0]} and {name} differ:\n{first[1]}\n{found}")
    print(f"equal outputs: {', '.join(summaries)}: {first and first[1][0]}", file=sys.stderr)
    note = f"Limits: gristmill {options.memory}, peers {options.peer_memory or options.memory}."
    store(f"memory_{options.workload}", TITLES[options.workload], measured, note=note)


if __name__ == "__main__":
    main()
