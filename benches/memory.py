#!/usr/bin/env python3
"""Work on tables that do not fit into the memory that is allowed, by gristmill and by peers with a limit of their own.

usage: memory.py WORKLOAD FOLDER [--memory 2GiB] [--peer-memory 2GiB] [--rounds 1] [--only gristmill,duckdb,polars]

WORKLOAD is one of
  sales               the preparation of pipelines/sales.yaml on messy order lines (TPC-H lineitem; 63 million rows at scale 10)
  keep_latest         of 100 million versions of 50 million keys, the latest of each
  sort                TPC-H lineitem, all columns, by day of shipping and price
  many_groups         100 million rows in 10 million groups, in the order of their keys
  large_join          TPC-H lineitem beside orders, with their comments, summed up by priority and mode of shipping
  large_join_written  the same rows written, in the order of the lines (DuckDB is free to choose the order)

FOLDER holds the inputs, which are made when they are missing, and what the programs write. lineitem.parquet and orders.parquet
have to be there: `tpchgen-cli parquet -s 10 --tables=lineitem,orders --output-dir=FOLDER`. A peer that takes four times the memory
that it is allowed is stopped. The table goes to README.md between the marks `memory_WORKLOAD`, or those that --name says.
"""

import argparse
import dataclasses
import pathlib
import shutil
import subprocess
import sys

import duckdb

from comparison import FOLDER, GRISTMILL, Program, close, compare, store

UNITS = {"MiB": 1 << 20, "GiB": 1 << 30, "MB": 1_000_000, "GB": 1_000_000_000}


@dataclasses.dataclass
class Workload:
    """What is done: a title, the pipeline, its inputs by the name of their parameter, and queries that sum up what was written."""

    title: str
    pipeline: str
    inputs: dict
    summaries: list


WORKLOADS = {
    "sales": Workload(
        "order lines prepared",
        "sales_parquet.yaml",
        {"input": "sales.parquet"},
        [
            """select count(*) as rows, sum(order_id) as orders, sum(line) as lines, sum(quantity) as quantity, sum(amount) as amount,
              sum(discount) as discount, count(ship_date) as days, sum(ship_date - date '1970-01-01') as shipped, sum(hash(ship_mode) % 1000003) as modes,
              sum(updated_at - date '1970-01-01') as updated, sum(abs(amount_z)) as amounts, sum(abs(quantity_z)) as quantities
            from '{out}/sales.parquet'""",
            "select ship_mode, return_flag, n, mean, sum, median from '{out}/statistics.parquet' order by 1, 2",
        ],
    ),
    "keep_latest": Workload(
        "latest of 100 million versions",
        "keep_latest.yaml",
        {"input": "versions.parquet"},
        ["select count(*), sum(id), sum(version), sum(amount), sum(hash(note) % 1000003) from '{out}/latest.parquet'"],
    ),
    # Where the order counts, the second number says how many rows stand before a smaller one; ties may be ordered in two ways.
    "sort": Workload(
        "order lines sorted",
        "sort_lineitem.yaml",
        {"input": "lineitem.parquet"},
        [
            """select count(*), sum(case when (day, price) < (before_day, before_price) then 1 else 0 end), sum(l_orderkey), sum(l_linenumber), sum(hash(l_comment) % 1000003)
            from (select *, l_shipdate as day, l_extendedprice as price, lag(l_shipdate) over w as before_day, lag(l_extendedprice) over w as before_price
              from read_parquet('{out}/sorted.parquet', file_row_number = true) window w as (order by file_row_number))"""
        ],
    ),
    "many_groups": Workload(
        "10 million groups of 100 million rows",
        "many_groups.yaml",
        {"input": "groups.parquet"},
        [
            """select count(*), sum(case when key < before then 1 else 0 end), sum(key), sum(n), sum(sum_v), sum(mean_x), sum(least), sum((key % 1009) * n), sum(hash(key, n, sum_v::bigint) % 1000003)
            from (select *, lag(key) over (order by file_row_number) as before from read_parquet('{out}/groups.parquet', file_row_number = true))"""
        ],
    ),
    "large_join": Workload(
        "order lines beside orders, summed up",
        "large_join.yaml",
        {"lines": "lineitem.parquet", "orders": "orders.parquet"},
        ["select o_orderpriority, l_shipmode, n, first_day, customers, price, text from '{out}/by_priority.parquet' order by all"],
    ),
    "large_join_written": Workload(
        "order lines beside orders, written",
        "large_join_written.yaml",
        {"lines": "lineitem.parquet", "orders": "orders.parquet"},
        [
            """select count(*), sum(l_orderkey), sum(o_custkey), sum(hash(l_orderkey, l_linenumber, o_comment) % 1000003),
              sum(hash(l_shipmode, l_comment, o_orderdate, o_orderpriority) % 1000003), sum(l_extendedprice) from '{out}/joined.parquet'"""
        ],
    ),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--peer-memory", default=None, help="the limit of the peers, where it is another one")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="gristmill,duckdb,polars")
    parser.add_argument("--name", default=None, help="of the table")
    parser.add_argument("--gristmill", default=GRISTMILL)
    parser.add_argument("--timeout", type=float, default=1800.0)
    return parser.parse_args()


def size(text):
    """Bytes of a size such as 2GiB."""
    number = text.rstrip("GMiB")
    return int(float(number) * UNITS[text[len(number) :]])


def prepare(workload, folder):
    """The inputs of a workload by their parameters, made when they are missing."""
    found = {name: folder / file for name, file in WORKLOADS[workload].inputs.items()}
    target = found.get("input")
    if workload in ("keep_latest", "many_groups") and not target.exists():
        connection = duckdb.connect()
        connection.execute("set preserve_insertion_order = false; set memory_limit = '8GB'; set enable_progress_bar = false")
        rows = {
            # Each key comes twice, 50 million rows apart; no key has two equal versions, and neighbours are unlike each other.
            "keep_latest": "i * 48271 % 50000000 as id, i * 7919 % 100000007 as version, (i * 31 % 100003) / 100 as amount, 'note ' || (i * 17 % 1009) as note",
            "many_groups": "(hash(i) % 10000000)::bigint as key, (hash(i + 1000000007) % 1000)::bigint as v, (hash(i + 2000000011) % 100000) / 100.0 as x",
        }[workload]
        connection.execute(f"copy (select {rows} from range(100000000) t(i)) to '{target}' (format parquet, compression snappy)")
    if workload == "sales" and not target.exists():
        subprocess.run([sys.executable, FOLDER / "make_sales.py", folder / "lineitem.parquet", target], check=True)
    for path in found.values():
        if not path.exists():
            sys.exit(f"{path} is missing: {__doc__}")
    return found


def programs(options, inputs):
    limit, peer = size(options.memory), size(options.peer_memory or options.memory)
    found = []
    for name in options.only.split(","):
        out = options.folder / f"out-{name}"
        if name == "gristmill":
            sets = [word for key, path in inputs.items() for word in ("--set", f"{key}={path}")]
            pipeline = FOLDER / "pipelines" / WORKLOADS[options.workload].pipeline
            words = [options.gristmill, "run", pipeline, *sets, "--set", f"out={out}", "--dir", out, "--threads", "2", "--memory", options.memory, "--quiet"]
        else:
            words = [sys.executable, FOLDER / "peers" / f"bounded_{name}.py", options.workload, out, str(peer), *inputs.values()]

        def before(out=out):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)

        found.append(Program(name, words, before=before, stop_above=None if name == "gristmill" else 4 * peer, timeout=options.timeout))
    return found


def main():
    options = arguments()
    options.folder = options.folder.resolve()
    workload = WORKLOADS[options.workload]
    measured = compare(programs(options, prepare(options.workload, options.folder)), options.rounds)
    summaries = {}
    for name, runs in measured.items():
        if not any(run.failure for run in runs):
            connection = duckdb.connect()
            connection.execute("set memory_limit = '8GB'; set enable_progress_bar = false")
            summaries[name] = [connection.execute(query.format(out=options.folder / f"out-{name}")).fetchall() for query in workload.summaries]
        shutil.rmtree(options.folder / f"out-{name}", ignore_errors=True)
    first = next(iter(summaries.items()), None)
    for name, found in summaries.items():
        if not close(found, first[1]):
            sys.exit(f"{first[0]} and {name} differ:\n{first[1]}\n{found}")
    print(f"equal outputs: {', '.join(summaries)}: {first and first[1][0]}", file=sys.stderr)
    note = f"Limits: gristmill {options.memory}, peers {options.peer_memory or options.memory}. The outputs of all that finished are equal."
    store(options.name or f"memory_{options.workload}", workload.title, measured, note=note)


if __name__ == "__main__":
    main()
