"""The workloads of benches/memory.py, written by hand for DuckDB.

usage: memory_duckdb.py sales|keep_latest|sort INPUT.parquet OUT_FOLDER LIMIT
"""

import os
import pathlib
import sys

import duckdb

workload, source, out, limit = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
out.mkdir(parents=True, exist_ok=True)
connection = duckdb.connect(str(out / "work.duckdb"))
connection.execute(f"set threads = {int(os.environ.get('THREADS', 2))}; set temp_directory = '{out / 'spill'}'; set memory_limit = '{limit}'")

if workload == "sort":
    connection.execute(f"copy (from '{source}' order by l_shipdate, l_extendedprice) to '{out / 'sorted.parquet'}' (format parquet, compression snappy)")
elif workload == "keep_latest":
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"""copy (select id, max(version) as version, arg_max(amount, version) as amount, arg_max(note, version) as note
      from '{source}' group by id) to '{out / 'latest.parquet'}' (format parquet, compression snappy)""")
else:
    connection.execute("set preserve_insertion_order = false")
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
    connection.execute("""
    create view bounded as
    select l.* replace (coalesce(quantity, middle) as quantity, coalesce(discount, usual) as discount, greatest(low, least(high, amount)) as amount)
    from latest l, (
      select median(quantity) as middle, avg(discount) as usual, quantile_cont(amount, 0.01) as low, quantile_cont(amount, 0.99) as high from latest
    )
    """)
    scaled = ["amount", "quantity", "discount", "tax"]
    learned = ", ".join(f"avg({name}) as mean_{name}, stddev_samp({name}) as sd_{name}" for name in scaled)
    scores = ", ".join(f"({name} - mean_{name}) / sd_{name} as {name}_z" for name in scaled)
    connection.execute(f"""
    copy (select b.*, {scores} from bounded b, (select {learned} from bounded)) to '{out / 'sales.parquet'}' (format parquet, compression zstd)
    """)
    connection.execute(f"""
    copy (
      select ship_mode, return_flag, count(*) as n, avg(amount) as mean, sum(amount) as sum, median(amount) as median
      from bounded group by 1, 2 order by 1, 2
    ) to '{out / 'statistics.parquet'}' (format parquet)
    """)
