#!/usr/bin/env python3
"""Makes sales_sample.csv and sales_damaged.csv beside this file: invented order lines with the kinds of mess that exports have.

usage: make.py

Needs nothing but Python. Every value follows from a hash of its row's number, so the files are the same on every machine.
"""

import csv
import datetime
import hashlib
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = [
    "order_id", "line", "part_id", "supplier_id", "quantity", "amount", "discount", "tax",
    "return_flag", "line_status", "ship_date", "ship_mode", "instruct", "updated_at",
]
NOTHING = ["", "N/A", "null", "-"]
SHIP_MODES = ["Air", "Rail", "Truck", "Ship", "Mail", "Courier", "Air Express"]
INSTRUCTIONS = ["Deliver in person", "Leave with neighbour", "Collect on delivery", "None"]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
FIRST_DAY = datetime.date(2021, 1, 4)


class Dice:
    """Throws that depend on a name alone."""

    def __init__(self, name):
        self.name = name
        self.throws = 0

    def below(self, sides):
        """A whole number from 0 to below `sides`."""
        self.throws += 1
        digest = hashlib.sha256(f"{self.name}/{self.throws}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides

    def chance(self, percent):
        """True in so many cases of a hundred; hundredths of a percent count."""
        return self.below(10_000) < round(percent * 100)

    def of(self, choices):
        return choices[self.below(len(choices))]


def written_date(day, dice):
    """A day in one of three layouts."""
    layout = dice.below(10)
    if layout < 6:
        return day.isoformat()
    if layout < 9:
        return f"{day.day:02}/{day.month:02}/{day.year}"
    return f"{MONTHS[day.month - 1]} {day.day:02} {day.year}"


def written_amount(cents, dice):
    """An amount; three in ten are texts for people."""
    if dice.chance(0.2):
        cents *= 1000
    if dice.chance(30):
        return f"${cents // 100:,}.{cents % 100:02}"
    return f"{cents // 100}.{cents % 100:02}"


def written_text(text, dice):
    """A text as different people type it."""
    return dice.of([f"  {text}", f"{text.lower()} ", text.upper(), text, f" {text}  "])


def order_line(order, line):
    """One order line as it was first exported."""
    dice = Dice(f"order {order} line {line}")
    quantity = 1 + dice.below(50)
    price = 500 + dice.below(120_000) + 150 * (order % 40)
    ordered = FIRST_DAY + datetime.timedelta(days=order % 730)
    shipped = ordered + datetime.timedelta(days=1 + dice.below(90))
    is_old = shipped < datetime.date(2022, 3, 1)
    return {
        "order_id": order,
        "line": line,
        "part_id": 1 + dice.below(2_000),
        "supplier_id": 1 + dice.below(100),
        "quantity": dice.of(NOTHING) if dice.chance(3) else quantity,
        "amount": written_amount(quantity * price, dice),
        "discount": dice.of(NOTHING) if dice.chance(3) else f"{dice.below(11) / 100:.2f}",
        "tax": f"{dice.below(9) / 100:.2f}",
        "return_flag": dice.of("RA") if is_old else "N",
        "line_status": "F" if is_old else "O",
        "ship_date": written_date(shipped, dice),
        "ship_mode": written_text(dice.of(SHIP_MODES), dice),
        "instruct": written_text(dice.of(INSTRUCTIONS), dice),
        "updated_at": (shipped + datetime.timedelta(days=1 + dice.below(30))).isoformat(),
    }


def sample():
    """Two thousand lines, some of them twice, some corrected a month later."""
    rows = []
    order = 0
    while len(rows) < 2_000:
        order += 1 + Dice(f"gap {order}").below(4)
        lines = 1 + Dice(f"lines {order}").below(7)
        rows += [order_line(order, line) for line in range(1, lines + 1)]
    rows = rows[:2_000]
    twins, corrections = [], []
    for row in rows:
        dice = Dice(f"again {row['order_id']} {row['line']}")
        if dice.chance(3):
            twins.append(dict(row))
        if dice.chance(2):
            later = datetime.date.fromisoformat(row["updated_at"]) + datetime.timedelta(days=30)
            corrections.append(row | {"amount": "1.00", "updated_at": later.isoformat()})
    everything = [(number, row) for number, row in enumerate(rows + twins + corrections)]
    everything.sort(key=lambda pair: hashlib.sha256(f"place {pair[0]}".encode()).digest())
    return [row for _, row in everything]


def damaged(rows):
    """A short export of which eight lines are broken. Lines of text, not rows, because broken rows are not rows."""
    lines = [[str(row[name]) for name in COLUMNS] for row in rows[:240]]
    lines[20] = lines[20][:9]
    lines[55] = lines[55] + ["", "see remark"]
    lines[90][0] = "order 90"
    lines[120][2] = "unknown"
    lines[121][1] = "2nd"
    lines[160] = lines[160][:13]
    lines[199][13] = "2022-02-30"
    lines[230][3] = "12.5"
    return lines


def save(name, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def main():
    rows = sample()
    save("sales_sample.csv", [[row[name] for name in COLUMNS] for row in rows])
    save("sales_damaged.csv", damaged(rows))


if __name__ == "__main__":
    main()
