"""The preparation of pipelines/sales.yaml, written by hand for DuckDB.

usage: prepare_duckdb.py SALES.csv OUT_FOLDER     (THREADS sets the number of threads, 2 when absent)
"""

import os
import pathlib
import sys

import duckdb


def write_prepared(connection, out, bounded):
    """From the table `latest`: missing values filled, amounts cut, scores, statistics; both files are written to `out`.

    `bounded`: whether the rows between are kept (`temp table`) or computed again (`view`), where they do not fit into memory.
    """
    connection.execute(f"""
    create {bounded} bounded as
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


def main():
    source, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"set threads = {int(os.environ.get('THREADS', 2))}; set preserve_insertion_order = false; set temp_directory = '{out / 'spill'}'")

    connection.execute(f"""
    create temp table latest as
    with cleaned as (
      select * replace (
        replace(replace(amount, '$', ''), ',', '')::double as amount,
        coalesce(try_strptime(ship_date, '%Y-%m-%d'), try_strptime(ship_date, '%d/%m/%Y'), try_strptime(ship_date, '%b %d %Y'))::date as ship_date,
        lower(trim(ship_mode)) as ship_mode, lower(trim(instruct)) as instruct)
      from read_csv('{source}', nullstr = ['', 'N/A', 'null', '-'], dateformat = '%Y-%m-%d',
        types = {{'amount': 'varchar', 'quantity': 'double', 'discount': 'double', 'ship_date': 'varchar', 'updated_at': 'date'}})
    )
    select unnest(arg_max(cleaned, updated_at)) from cleaned group by order_id, line
    """)
    write_prepared(connection, out, "temp table")


if __name__ == "__main__":
    main()
