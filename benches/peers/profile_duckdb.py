"""usage: profile_duckdb.py FILE: DuckDB's SUMMARIZE of a file, with two threads unless THREADS says otherwise."""

import os
import sys

import duckdb

path = sys.argv[1]
con = duckdb.connect()
con.execute(f"set threads = {os.environ.get('THREADS', '2')}")
source = f"read_csv('{path}', nullstr='NA')" if ".csv" in path else f"'{path}'"
print(len(con.execute(f"summarize select * from {source}").fetchall()), "columns")
