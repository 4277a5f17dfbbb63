"""The workloads of benches/large_tables.py, written by hand for DuckDB.

usage: large_duckdb.py many_groups|large_join|large_join_written OUT_FOLDER LIMIT INPUT.parquet [ORDERS.parquet]
"""

import os
import pathlib
import sys

import duckdb

workload, out, limit, sources = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
connection = duckdb.connect(str(out / "work.duckdb"))
connection.execute(f"set threads = {int(os.environ.get('THREADS', 2))}; set temp_directory = '{out / 'spill'}'; set memory_limit = '{limit}'; set preserve_insertion_order = false")

if workload == "many_groups":
    connection.execute(f"""copy (
      select key, count(*) as n, sum(v) as sum_v, avg(x) as mean_x, min(x) as least from '{sources[0]}' group by key order by key
    ) to '{out / 'groups.parquet'}' (format parquet, compression snappy)""")
else:
    joined = f"""(
      select l_orderkey, l_linenumber, l_extendedprice, l_shipmode, l_comment, o_custkey, o_orderdate, o_orderpriority, o_comment
      from '{sources[0]}' left join '{sources[1]}' on l_orderkey = o_orderkey)"""
    if workload == "large_join":
        connection.execute(f"""copy (
          select o_orderpriority, l_shipmode, count(*) as n, min(o_orderdate) as first_day, sum(o_custkey) as customers,
            sum(l_extendedprice) as price, sum(length(o_comment) + length(l_comment)) as text
          from {joined} group by all order by all) to '{out / 'by_priority.parquet'}' (format parquet)""")
    else:
        connection.execute(f"copy {joined} to '{out / 'ordered.parquet'}' (format parquet, compression snappy)")
