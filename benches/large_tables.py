#!/usr/bin/env python3
"""Groups and joins that do not fit into the memory that is allowed, by gristmill and by peers with the same limit.

usage: large_tables.py WORKLOAD FOLDER [--memory 2GiB] [--rounds 1] [--only gristmill,duckdb,polars]

WORKLOAD is one of
  many_groups         100 million rows in 10 million groups, in the order of their keys
  large_join          TPC-H lineitem beside orders, scale 10, with their comments, summed up by priority and mode of shipping
  large_join_written  the same rows written, in the order of the lines (DuckDB is free to choose the order)

FOLDER holds the inputs and what the programs write. groups.parquet is made when it is missing; lineitem.parquet and orders.parquet
have to be there: `tpchgen-cli parquet -s 10 --tables=lineitem,orders --output-dir=FOLDER`. A peer that takes four times the memory
that it is allowed is stopped.
"""

import argparse
import pathlib
import shutil
import sys

import duckdb

from comparison import FOLDER, GRISTMILL, Program, compare, store

UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
TITLES = {
    "many_groups": "10 million groups of 100 million rows",
    "large_join": "60 million lines beside 15 million orders, summed up",
    "large_join_written": "60 million lines beside 15 million orders, written",
}
RESULTS = {"many_groups": "groups", "large_join": "by_priority", "large_join_written": "ordered"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=TITLES)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--peer-memory", default=None, help="the limit of the peers, where it is another one")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="gristmill,duckdb,polars")
    parser.add_argument("--gristmill", default=GRISTMILL)
    parser.add_argument("--timeout", type=float, default=1200.0)
    return parser.parse_args()


def size(text):
    return int(float(text[:-3]) * UNITS[text[-3:]])


def prepare(workload, folder):
    """The inputs of a workload; the groups are made when they are missing."""
    if workload != "many_groups":
        return {"lines": folder / "lineitem.parquet", "orders": folder / "orders.parquet"}
    target = folder / "groups.parquet"
    if not target.exists():
        connection = duckdb.connect()
        connection.execute("set preserve_insertion_order = false; set memory_limit = '4GB'")
        connection.execute(f"""copy (
          select (hash(i) % 10000000)::bigint as key, (hash(i + 1000000007) % 1000)::bigint as v, (hash(i + 2000000011) % 100000) / 100.0 as x
          from range(100000000) t(i)) to '{target}' (format parquet, compression snappy)""")
    return {"input": target}


def programs(options, sources):
    limit = size(options.memory)
    peer = size(options.peer_memory or options.memory)
    found = []
    for name in options.only.split(","):
        out = options.folder / f"out-{name}"
        sets = [word for key, path in sources.items() for word in ("--set", f"{key}={path}")]
        words = {
            "gristmill": [options.gristmill, "run", FOLDER / "pipelines" / f"{options.workload}.yaml", *sets, "--set", f"out={out}", "--dir", out, "--threads", "2", "--memory", options.memory, "--quiet"],
            "duckdb": [sys.executable, FOLDER / "peers" / "large_duckdb.py", options.workload, out, f"{peer // 1000}KB", *sources.values()],
            "polars": [sys.executable, FOLDER / "peers" / "large_polars.py", options.workload, out, *sources.values()],
        }[name]

        def before(out=out):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)

        environment = {"POLARS_OOC_MEMORY_BUDGET_MB": str(peer // 1_000_000), "POLARS_OOC_SPILL_DIR": str(out / "spill")} if name == "polars" else {}
        found.append(Program(name, words, environment, before=before, stop_above=None if name == "gristmill" else 4 * limit, timeout=options.timeout))
    return found


# The place of a row counts where there is an order.
SUMMARIES = {
    "many_groups": """select count(*), sum(key), sum(n), sum(sum_v), sum(mean_x), sum(least), sum((key % 1009) * n), sum(hash(key, n, sum_v) % 1000003),
      sum(case when key < before then 1 else 0 end)
      from (select *, lag(key) over (order by file_row_number) as before from read_parquet('{file}', file_row_number = true))""",
    "large_join": "select o_orderpriority, l_shipmode, n, first_day, customers, price, text from '{file}' order by all",
    "large_join_written": """select count(*), sum(l_orderkey), sum(o_custkey), sum(hash(l_orderkey, l_linenumber, o_comment) % 1000003),
      sum(hash(l_shipmode, l_comment, o_orderdate, o_orderpriority) % 1000003), sum(l_extendedprice) from '{file}'""",
}


def close(left, right):
    """Whether two summaries agree; numbers to 1e-9 of their size, because sums of floats depend on their order."""
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(close(*pair) for pair in zip(left, right))
    try:
        left, right = float(left), float(right)
    except (TypeError, ValueError):
        return str(left) == str(right)
    return abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1.0)


def main():
    options = arguments()
    options.folder = options.folder.resolve()
    sources = prepare(options.workload, options.folder)
    measured = compare(programs(options, sources), options.rounds)
    summaries = {}
    for name, runs in measured.items():
        if not any(run.failure for run in runs):
            connection = duckdb.connect()
            connection.execute("set memory_limit = '6GB'")
            file = options.folder / f"out-{name}" / f"{RESULTS[options.workload]}.parquet"
            summaries[name] = connection.execute(SUMMARIES[options.workload].format(file=file)).fetchall()
    first = next(iter(summaries.items()), None)
    for name, found in summaries.items():
        if not close(found, first[1]):
            sys.exit(f"{first[0]} and {name} differ:\n{first[1]}\n{found}")
    print(f"equal outputs: {', '.join(summaries)}: {first and first[1][0]}", file=sys.stderr)
    note = f"Limits: gristmill {options.memory}, peers {options.peer_memory or options.memory}."
    store(options.workload, TITLES[options.workload], measured, note=note)


if __name__ == "__main__":
    main()
