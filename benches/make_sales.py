#!/usr/bin/env python3
"""Makes a large messy file of order lines from TPC-H, the input of the sales benchmark.

usage: make_sales.py LINEITEM.parquet OUT.csv|OUT.parquet

    pip install tpchgen-cli duckdb
    tpchgen-cli parquet -s 1 --tables=lineitem --output-dir=/tmp/tpch
    python benches/make_sales.py /tmp/tpch/lineitem.parquet /tmp/sales.csv

At scale 1 that are 6.3 million rows. What happens to a row follows from a mix of its key, so every run gives the same file:

- amounts: three in ten as text with a currency sign and commas, one in 2,000 a thousand times too large
- quantities and discounts: two in a hundred are missing, in four spellings
- days of shipping: three layouts, 60, 30 and 10 in a hundred
- texts: spaces at the ends and any case
- rows: three in a hundred stand twice, two in a hundred are corrected a month later (the amount becomes 1.00)
"""

import sys

import duckdb

MISSING = "['', 'N/A', 'null', '-']"

# The finalizer of MurmurHash3 (Appleby), 32 bits: neighbours come out unlike each other. `salt` gives independent throws.
MACROS = """
create macro shift(x, bits) as xor(x, x >> bits);
create macro times(x, factor) as (x * factor::ubigint) % 4294967296::ubigint;
create macro scramble(x) as shift(times(shift(times(shift(x, 16), 2246822507), 13), 3266489909), 16);
create macro throw(key, salt, sides) as (scramble((key::ubigint * 16 + salt) % 4294967296::ubigint) % sides)::bigint;
"""

ROWS = f"""
with keyed as (
  select *, l_orderkey::bigint * 8 + l_linenumber as key from read_parquet('{{source}}')
), messy as (
  select l_orderkey as order_id, l_linenumber as line, l_partkey as part_id, l_suppkey as supplier_id,
    case when throw(key, 1, 100) < 2 then {MISSING}[1 + throw(key, 2, 4)] else l_quantity::int::varchar end as quantity,
    case when throw(key, 3, 2000) = 0 then (l_extendedprice * 1000)::varchar
         when throw(key, 4, 10) < 3 then '$' || format('{{{{:,.2f}}}}', l_extendedprice::double)
         else l_extendedprice::varchar end as amount,
    case when throw(key, 5, 100) < 2 then {MISSING}[1 + throw(key, 6, 4)] else l_discount::varchar end as discount,
    l_tax as tax, l_returnflag as return_flag, l_linestatus as line_status,
    case when throw(key, 7, 10) < 6 then strftime(l_shipdate, '%Y-%m-%d')
         when throw(key, 8, 4) < 3 then strftime(l_shipdate, '%d/%m/%Y')
         else strftime(l_shipdate, '%b %d %Y') end as ship_date,
    case throw(key, 9, 4) when 0 then '  ' || l_shipmode when 1 then lower(l_shipmode) || ' ' when 2 then upper(l_shipmode)
         else left(l_shipmode, 1) || lower(substr(l_shipmode, 2)) end as ship_mode,
    case throw(key, 10, 3) when 0 then ' ' || l_shipinstruct || '  ' when 1 then lower(l_shipinstruct) else l_shipinstruct end as instruct,
    l_receiptdate::date as updated_at, key
  from keyed
), exported as (
  select *, 0 as version from messy
  union all select *, 1 from messy where throw(key, 11, 100) < 3
  union all select * replace ((updated_at + interval 30 day)::date as updated_at, '1.00' as amount), 2 from messy where throw(key, 12, 100) < 2
)
select * exclude (key, version) from exported order by throw(key, 13 + version, 4294967296), key, version
"""


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = true")
    connection.execute(MACROS)
    connection.execute(f"set memory_limit = '10GB'; set temp_directory = '{target}.spill'")
    parquet = target.endswith(".parquet")
    form = "format parquet, compression zstd" if parquet else "header, delimiter ','"
    connection.execute(f"copy ({ROWS.format(source=source)}) to '{target}' ({form})")
    table = f"'{target}'" if parquet else f"read_csv('{target}', all_varchar = true)"
    print(connection.execute(f"select count(*) || ' rows, ' || (select count(*) from (select distinct order_id, line from {table})) || ' keys' from {table}").fetchone()[0])


if __name__ == "__main__":
    main()
