"""usage: itemsets.py FOLDER FLIGHTS.csv[.gz] [--rounds N] [--peers PYTHON] [--mlxtend]: itemsets beside PyFIM.

Makes T10I4D100K and T40I10D100K with make_quest.py, and dense baskets from the flights (their columns, numbers in four
bins). For each of them, several minimum supports, and frequent, closed and maximal sets, gristmill and the algorithms of PyFIM run in
turn as whole processes from a file of one basket a line; PyFIM also says how long mining alone took. The sets of both are compared, to
the last one. Seconds of processors stand beside those on the clock: gristmill uses two threads and PyFIM one, and on a machine that has
other work the clock says little. With --mlxtend its fpgrowth is measured on supports that it does in some minutes.
"""

import argparse
import csv
import gzip
import json
import pathlib
import subprocess
import sys

import comparison

CASES = [
    ("T10I4D100K", 0.001), ("T10I4D100K", 0.0002), ("T40I10D100K", 0.01), ("T40I10D100K", 0.008), ("flights", 0.01), ("flights", 0.002),
]
KINDS = {"frequent": "s", "closed": "c", "maximal": "m"}
PEER = """
import sys, time, fim
path, share, target, algorithm, out = sys.argv[1:6]
baskets = [line.split() for line in open(path)]
began = time.perf_counter()
sets = getattr(fim, algorithm)(baskets, target=target, supp=float(share) * 100, zmin=1, report="a")
print("mining", time.perf_counter() - began, len(sets))
with open(out, "w") as file:
    file.writelines(" ".join(sorted(items)) + f" ({count})\\n" for items, count in sets)
"""
MLXTEND = """
import sys, time, pandas
from mlxtend.preprocessing import TransactionEncoder
from mlxtend.frequent_patterns import fpgrowth
path, share = sys.argv[1:3]
baskets = [line.split() for line in open(path)]
encoder = TransactionEncoder()
table = pandas.DataFrame(encoder.fit_transform(baskets), columns=encoder.columns_)
began = time.perf_counter()
sets = fpgrowth(table, float(share), use_colnames=True)
print("mining", time.perf_counter() - began, len(sets))
"""
PIPELINE = """name: itemsets
stages:
  - id: lines
    read: {{path: {data}.csv, types: {{basket: string}}}}
  - id: baskets
    derive: {{basket: "split(basket, ' ')"}}
  - itemsets: {{items: {{list: basket}}, min_support: {share}, kind: {kind}, limit: 100000000}}
  - write: {{path: {out}}}
"""


def make(folder, arguments):
    """The baskets as text, a basket a line, and as CSV."""
    for name, options in [("T10I4D100K", "100000 10 4 870 2000 1"), ("T40I10D100K", "100000 40 10 1000 2000 1")]:
        if not (folder / f"{name}.dat").exists():
            maker = pathlib.Path(__file__).with_name("make_quest.py")
            subprocess.run([arguments.peers, maker, *options.split(), folder / f"{name}.dat"], check=True)
    path = folder / "flights.dat"
    if not path.exists():
        opened = gzip.open(arguments.flights, "rt", newline="") if str(arguments.flights).endswith(".gz") else open(arguments.flights, newline="")
        with opened as file:
            rows = list(csv.DictReader(file))
        left_out = {"year", "flight", "tailnum", "time_hour"}
        columns = [column for column in rows[0] if column not in left_out]
        edges = {}
        for column in columns:
            values = [row[column] for row in rows if row[column] not in ("", "NA")]
            if len(set(values)) > 105 and all(value.lstrip("-").isdigit() for value in values[:1000]):
                values = sorted(map(int, values))
                edges[column] = [values[len(values) * part // 4] for part in (1, 2, 3)]
        numbers = {}
        with open(path, "w") as out:
            for row in rows:
                items = []
                for column in columns:
                    value = row[column]
                    if value in ("", "NA"):
                        continue
                    if column in edges:
                        value = sum(int(value) > edge for edge in edges[column])
                    items.append(numbers.setdefault((column, value), len(numbers)))
                out.write(" ".join(map(str, items)) + "\n")
    for path in folder.glob("*.dat"):
        if not path.with_suffix(".csv").exists():
            path.with_suffix(".csv").write_text("basket\n" + path.read_text())


def lines_of_pyfim(path):
    return sorted(path.read_text().splitlines())


def lines_of_gristmill(path):
    rows = (json.loads(line) for line in path.open())
    return sorted(" ".join(sorted(row["items"])) + f" ({row['count']})" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("flights", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--mlxtend", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, arguments)
    (folder / "peer.py").write_text(PEER)
    (folder / "mlxtend_peer.py").write_text(MLXTEND)
    rows = []
    for data, share in CASES:
        for kind, target in KINDS.items():
            out = folder / "gristmill.ndjson"
            (folder / "p.yaml").write_text(PIPELINE.format(data=data, share=share, kind=kind, out=out.name))
            programs = [comparison.Program("gristmill", [comparison.GRISTMILL, "run", "p.yaml", "--quiet", "--no-cache"], folder=folder)]
            for algorithm in ("eclat", "fpgrowth"):
                words = [arguments.peers, "peer.py", f"{data}.dat", share, target, algorithm, f"{algorithm}.txt"]
                programs.append(comparison.Program(algorithm, words, folder=folder, timeout=600))
            measured = comparison.compare(programs, arguments.rounds)
            expected = lines_of_pyfim(folder / "eclat.txt")
            if lines_of_pyfim(folder / "fpgrowth.txt") != expected or lines_of_gristmill(out) != expected:
                sys.exit(f"the sets differ: {data} {share} {kind}")
            best = min(min(run.seconds for run in measured[name]) for name in ("eclat", "fpgrowth"))
            own = min(run.seconds for run in measured["gristmill"])
            peers = [run for name in ("eclat", "fpgrowth") for run in measured[name]]
            mining = min(float(run.output.split()[1]) for name in ("eclat", "fpgrowth") for run in measured[name])
            rows.append({
                "baskets": data, "support": share, "kind": kind, "sets": len(expected), "gristmill": own, "pyfim": best, "pyfim_mining": mining,
                "ratio": own / best, "processors": min(run.processors for run in measured["gristmill"]),
                "pyfim_processors": min(run.processors for run in peers), "peak": max(run.peak for run in measured["gristmill"]),
                "pyfim_peak": max(run.peak for run in peers),
            })
            print(rows[-1])
    if arguments.mlxtend:
        for data, share in [("T10I4D100K", 0.001), ("T40I10D100K", 0.02)]:
            peer = comparison.run(comparison.Program("mlxtend", [arguments.peers, "mlxtend_peer.py", f"{data}.dat", share], folder=folder))
            rows.append({
                "baskets": data, "support": share, "kind": "mlxtend", "seconds": peer.seconds, "processors": peer.processors, "peak": peer.peak,
                "output": peer.failure or peer.output.strip(),
            })
            print(rows[-1])
    table = ["| baskets | support | kind | sets | gristmill | best of PyFIM | ratio | processors | PyFIM's | PyFIM, mining alone | peak | PyFIM's peak |", "|" + "---|" * 12]
    for row in rows:
        if "ratio" in row:
            table.append(
                f"| {row['baskets']} | {row['support']:.2%} | {row['kind']} | {row['sets']:,} | {row['gristmill']:.2f} s | {row['pyfim']:.2f} s | {row['ratio']:.2f} | {row['processors']:.2f} s | {row['pyfim_processors']:.2f} s | {row['pyfim_mining']:.2f} s | {row['peak'] / 2**20:.0f} MiB | {row['pyfim_peak'] / 2**20:.0f} MiB |"
            )
    text = "\n".join(table)
    print(text)
    (comparison.FOLDER / "results").mkdir(exist_ok=True)
    result = {"name": "itemsets", "rows": rows, "table": text}
    (comparison.FOLDER / "results" / "itemsets.json").write_text(json.dumps(result, indent=1) + "\n")
    comparison.rewrite("itemsets", text)


if __name__ == "__main__":
    main()
