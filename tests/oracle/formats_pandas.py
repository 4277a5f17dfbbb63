"""Makes the workbooks, Arrow, fixed-width and partitioned files of tests/data/formats, and stores what pandas reads from them.

Needs pandas, openpyxl, xlwt, xlrd, odfpy and pyarrow: python3 tests/oracle/formats_pandas.py

The rows are those of pandas (openpyxl, xlrd, odf, pyarrow); numbers and days of `notation.csv` are read by Python's `decimal` and
`datetime.strptime`, with the notation that each column is written in.
"""

import datetime
import decimal
import json
import pathlib
import random
import shutil

import openpyxl
import pandas
import pyarrow
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import xlwt

here = pathlib.Path(__file__).parent.parent / "data"
data = here / "formats"
data.mkdir(exist_ok=True)
outcomes = {}
random.seed(7)

day = datetime.date
moment = datetime.datetime
header = ["id", "name", "amount", "ordered", "shipped", "paid", "note"]
rows = [
    [1, "Ann", 12.5, day(2024, 1, 31), moment(2024, 2, 1, 9, 30), True, "first\nsecond"],
    [2, "Zoë, \"the\" one", -3, day(2024, 2, 29), moment(2024, 3, 1), False, None],
    [3, "00501", 1e20, None, moment(2024, 3, 2, 23, 59, 59), True, " kept "],
    [4, None, 0.1, day(1999, 12, 31), None, None, "x"],
]


def stored(frame: pandas.DataFrame) -> list:
    def plain(value):
        if value is None or value is pandas.NaT or (isinstance(value, float) and value != value):
            return None
        if isinstance(value, pandas.Timestamp):
            return value.isoformat(sep=" ")
        if isinstance(value, datetime.date):
            return value.isoformat()
        if hasattr(value, "item"):
            return plain(value.item())
        return value

    return [{name: plain(value) for name, value in record.items()} for record in frame.to_dict("records")]


def keep(case: str, frame: pandas.DataFrame, dates=()) -> None:
    frame = frame.copy()
    for column in frame.columns.intersection(["paid"]):
        frame[column] = frame[column].astype("boolean").astype(object).where(frame[column].notna(), None)
    for column in dates:
        frame[column] = pandas.to_datetime(frame[column]).dt.date
    outcomes[case] = stored(frame)


# Excel, with a title above the table, a second table below, and a second and a hidden sheet.
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "Orders"
sheet["A1"] = "Orders of the north"
for at, row in enumerate([header, *rows], start=3):
    for column, value in enumerate(row, start=1):
        sheet.cell(at, column, value)
sheet["C8"] = "#DIV/0!"
sheet["C8"].data_type = "e"
sheet["A8"] = 5
sheet["A10"] = "People"
for at, row in enumerate([["person", "born"], ["Ann", 1990], ["Zoë", 1985]], start=12):
    for column, value in enumerate(row, start=1):
        sheet.cell(at, column, value)
other = book.create_sheet("Second one")
for row in [["a", "b"], [1, 2], [3, 4]]:
    other.append(row)
hidden = book.create_sheet("Hidden", 0)
hidden.sheet_state = "hidden"
hidden.append(["secret"])
book.save(data / "orders.xlsx")
keep("orders.xlsx table 1", pandas.read_excel(data / "orders.xlsx", sheet_name="Orders", header=2, nrows=5, keep_default_na=False,
     na_values=["", "#DIV/0!"], dtype={"name": object}), dates=["ordered"])
keep("orders.xlsx table 2", pandas.read_excel(data / "orders.xlsx", sheet_name="Orders", header=11, nrows=2, usecols="A:B"))
keep("orders.xlsx second", pandas.read_excel(data / "orders.xlsx", sheet_name="Second one"))

# The formats before and beside it.
old = xlwt.Workbook()
sheet = old.add_sheet("Orders")
styles = {day: xlwt.easyxf(num_format_str="YYYY-MM-DD"), moment: xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")}
for at, row in enumerate([header, *rows]):
    for column, value in enumerate(row):
        if value is not None:
            sheet.write(at, column, value, styles.get(type(value), xlwt.Style.default_style))
old.save(str(data / "orders.xls"))
keep("orders.xls", pandas.read_excel(data / "orders.xls", keep_default_na=False, na_values=[""], dtype={"name": object}), dates=["ordered"])
frame = pandas.DataFrame([row[:3] + row[5:6] for row in rows[:3]], columns=["id", "name", "amount", "paid"])
frame["ordered"] = pandas.to_datetime(pandas.Series([row[3] for row in rows[:3]]))
frame.to_excel(data / "orders.ods", engine="odf", index=False, sheet_name="Orders")
keep("orders.ods", pandas.read_excel(data / "orders.ods", engine="odf", dtype={"name": object}), dates=["ordered"])

# Arrow.
table = pyarrow.table(
    {
        "id": pyarrow.array(range(1, 501), pyarrow.int32()),
        "city": pyarrow.array([["Rome", "Oslo", None][i % 3] for i in range(500)]).dictionary_encode(),
        "at": pyarrow.array([moment(2024, 1, 1) + datetime.timedelta(hours=i) for i in range(500)], pyarrow.timestamp("us")),
        "score": pyarrow.array([None if i % 7 == 0 else i / 8 for i in range(500)], pyarrow.float64()),
        "tags": pyarrow.array([["a"] * (i % 3) for i in range(500)]),
    }
)
for compression in ["lz4", "uncompressed", "zstd"]:
    pyarrow.feather.write_feather(table, data / f"cities_{compression}.arrow", compression=compression, chunksize=200)
read = pyarrow.feather.read_feather(data / "cities_lz4.arrow")
read["tags"] = read["tags"].map(list)
keep("cities", read)

# Fixed width, in Latin-1.
lines = [
    "000123Zoë Malmö           ..  -12.50 2024-01-31",
    "000124Ann                 ..    7.25 2024-02-29",
    "000125Bob",
    "",
    "000126José Nuñez          ..  100.00           ",
]
(data / "accounts.dat").write_bytes("\n".join(lines).encode("latin-1") + b"\n")
keep(
    "accounts.dat",
    pandas.read_fwf(
        data / "accounts.dat",
        colspecs=[(0, 6), (6, 26), (28, 36), (37, 47)],
        names=["id", "name", "balance", "opened"],
        encoding="latin-1",
        dtype={"id": str},
    ),
)

# Partitions.
folder = data / "sales"
shutil.rmtree(folder, ignore_errors=True)
sales = pandas.DataFrame(
    {
        "item": [f"item {i}" for i in range(12)],
        "amount": [i * 1.5 for i in range(12)],
        "year": [2023 + i % 2 for i in range(12)],
        "city": [["Rome", "Köln/Deutz", None][i % 3] for i in range(12)],
    }
)
pyarrow.dataset.write_dataset(
    pyarrow.Table.from_pandas(sales, preserve_index=False),
    folder,
    format="parquet",
    partitioning=pyarrow.dataset.partitioning(pyarrow.schema([("year", pyarrow.int64()), ("city", pyarrow.string())]), flavor="hive"),
)
read = pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive").to_table().to_pandas().sort_values("item")
keep("sales", read)

# Tables in text.
(data / "report.csv").write_text(
    "Sales of the north\nas of;2024-06-01\n\nid;name;amount\n1;Ann;12,5\n2;Zoë;3,25\n\nTargets\n\nyear;target\n2024;100\n2025;200\n"
)
keep("report.csv table 1", pandas.read_csv(data / "report.csv", sep=";", skiprows=3, nrows=2, decimal=","))
keep("report.csv table 2", pandas.read_csv(data / "report.csv", sep=";", skiprows=9, nrows=2, decimal=",", skip_blank_lines=False))

# Notations. Each column has its values, written in its own way, and some nulls.
count = 60
numbers = [round(random.uniform(-20_000, 2_000_000), 2) for _ in range(count)]
days = [day(2020, 1, 1) + datetime.timedelta(days=random.randrange(1500)) for _ in range(count)]
times = [moment.combine(d, datetime.time(random.randrange(24), random.randrange(60), random.randrange(60))) for d in days]
flags = [random.random() < 0.5 for _ in range(count)]


def grouped(value: float, thousands: str, mark: str) -> str:
    whole, cents = f"{abs(value):,.2f}".split(".")
    return whole.replace(",", thousands) + mark + cents


def indian(value: int) -> str:
    digits = str(abs(value))
    head, tail = digits[:-3], digits[-3:]
    groups = []
    while len(head) > 2:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join(([head] if head else []) + groups + [tail]) if len(digits) > 3 else digits


written = {
    "english": [("-" if v < 0 else "") + grouped(v, ",", ".") for v in numbers],
    "german": [("-" if v < 0 else "") + grouped(v, ".", ",") for v in numbers],
    "french": [("-" if v < 0 else "") + grouped(v, "\u202f", ",") + " €" for v in numbers],
    "swiss": [("-" if v < 0 else "") + "CHF " + grouped(v, "'", ".") for v in numbers],
    "accounting": [f"({'$' + grouped(v, ',', '.')})" if v < 0 else "$" + grouped(v, ",", ".") for v in numbers],
    "trailing": [grouped(v, ",", ".") + ("-" if v < 0 else "") for v in numbers],
    "percent": [f"{v / 1000:.1f}%" for v in numbers],
    "rupees": [("-" if v < 0 else "") + indian(int(v)) for v in numbers],
    "day_first": [f"{d.day}/{d.month}/{d.year}" for d in days],
    "month_first": [d.strftime("%m/%d/%y") for d in days],
    "dotted": [d.strftime("%d.%m.%Y %H:%M") for d in times],
    "named": [d.strftime("%b %d, %Y") for d in days],
    "twelve": [d.strftime("%m/%d/%Y %I:%M:%S %p") for d in times],
    "week": ["{}-W{:02}-{}".format(*d.isocalendar()) for d in days],
    "compact": [d.strftime("%Y%m%d") for d in days],
    "instant": [d.strftime("%Y-%m-%dT%H:%M:%S+02:00") for d in times],
    "yes": [["yes", "no"][not f] for f in flags],
    "ja": [["Ja", "Nein"][not f] for f in flags],
}
value = {
    "day_first": [d.isoformat() for d in days],
    "month_first": [moment.strptime(t, "%m/%d/%y").date().isoformat() for t in written["month_first"]],
    "dotted": [moment.strptime(t, "%d.%m.%Y %H:%M").isoformat(sep=" ") for t in written["dotted"]],
    "named": [moment.strptime(t, "%b %d, %Y").date().isoformat() for t in written["named"]],
    "twelve": [moment.strptime(t, "%m/%d/%Y %I:%M:%S %p").isoformat(sep=" ") for t in written["twelve"]],
    "week": [d.isoformat() for d in days],
    "compact": [d.isoformat() for d in days],
    "instant": [(d - datetime.timedelta(hours=2)).isoformat(sep=" ") for d in times],
    "yes": list(flags),
    "ja": list(flags),
    "percent": [float(decimal.Decimal(t[:-1]) / 100) for t in written["percent"]],
    "rupees": [int(v) for v in numbers],
    "english": list(numbers),
    "german": list(numbers),
    "french": list(numbers),
    "swiss": list(numbers),
    "accounting": list(numbers),
    "trailing": list(numbers),
}
tokens = ["NA", "n/a", "-", "NULL"]
for at, (name, texts) in enumerate(written.items()):
    place = 3 + at
    texts[place] = tokens[at % len(tokens)]
    value[name][place] = None
frame = pandas.DataFrame({"id": range(1, count + 1), **written})
frame.to_csv(data / "notation.csv", index=False)
outcomes["notation.csv"] = [{"id": i + 1, **{name: value[name][i] for name in written}} for i in range(count)]

(here / "oracle" / "formats.json").write_text(json.dumps(outcomes, indent=0, ensure_ascii=False) + "\n")
