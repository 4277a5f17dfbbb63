"""The workloads of benches/memory.py, written by hand for DuckDB.

usage: bounded_duckdb.py WORKLOAD OUT_FOLDER LIMIT_IN_BYTES INPUT.parquet [ORDERS.parquet]
"""

import os
import pathlib
import sys

import duckdb

from prepare_duckdb import write_prepared

workload, out, limit, source = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
connection = duckdb.connect(str(out / "work.duckdb"))
connection.execute(f"set threads = {int(os.environ.get('THREADS', 2))}; set temp_directory = '{out / 'spill'}'; set memory_limit = '{limit // 1000}KB'; set enable_progress_bar = false")

JOINED = """(
  select l_orderkey, l_linenumber, l_extendedprice, l_shipmode, l_comment, o_custkey, o_orderdate, o_orderpriority, o_comment
  from '{lines}' left join '{orders}' on l_orderkey = o_orderkey)"""

# Only `sort` asks for the order of the rows; elsewhere DuckDB is free to choose it, as its documentation advises.
if workload != "sort":
    connection.execute("set preserve_insertion_order = false")
if workload == "sort":
    connection.execute(f"copy (from '{source}' order by l_shipdate, l_extendedprice) to '{out / 'sorted.parquet'}' (format parquet, compression snappy)")
elif workload == "keep_latest":
    connection.execute(f"""copy (select id, max(version) as version, arg_max(amount, version) as amount, arg_max(note, version) as note
      from '{source}' group by id) to '{out / 'latest.parquet'}' (format parquet, compression snappy)""")
elif workload == "many_groups":
    connection.execute(f"""copy (
      select key, count(*) as n, sum(v) as sum_v, avg(x) as mean_x, min(x) as least from '{source}' group by key order by key
    ) to '{out / 'groups.parquet'}' (format parquet, compression snappy)""")
elif workload == "large_join":
    connection.execute(f"""copy (
      select o_orderpriority, l_shipmode, count(*) as n, min(o_orderdate) as first_day, sum(o_custkey) as customers,
        sum(l_extendedprice) as price, sum(length(o_comment) + length(l_comment)) as text
      from {JOINED.format(lines=source, orders=sys.argv[5])} group by all order by all
    ) to '{out / 'by_priority.parquet'}' (format parquet)""")
elif workload == "large_join_written":
    joined = JOINED.format(lines=source, orders=sys.argv[5])
    connection.execute(f"copy {joined} to '{out / 'joined.parquet'}' (format parquet, compression snappy)")
else:
    connection.execute(f"""
    create table latest as
    with exported as (
      select * replace (
        case when quantity not in ('', 'N/A', 'null', '-') then quantity::double end as quantity,
        case when discount not in ('', 'N/A', 'null', '-') then discount::double end as discount,
        tax::double as tax)
      from '{source}'
    ), cleaned as (
      select * replace (
        replace(replace(amount, '$', ''), ',', '')::double as amount,
        coalesce(try_strptime(ship_date, '%Y-%m-%d'), try_strptime(ship_date, '%d/%m/%Y'), try_strptime(ship_date, '%b %d %Y'))::date as ship_date,
        lower(trim(ship_mode)) as ship_mode, lower(trim(instruct)) as instruct)
      from exported
    )
    select unnest(arg_max(cleaned, updated_at)) from cleaned group by order_id, line
    """)
    write_prepared(connection, out, "view")
