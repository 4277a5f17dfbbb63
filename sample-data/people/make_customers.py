#!/usr/bin/env python3
"""Makes crm.csv and shop.csv: the same people as two systems of a company might hold them, each untidy in its own way.

usage: make_customers.py sample-data/people/febrl4a.csv sample-data/people/febrl4b.csv      (from the project's folder)

The people with their typing errors are those of FEBRL's data set 4; see README.md beside this file. Everything that is added
(layouts, spellings, null tokens, addresses of mail, amounts, broken lines) follows from a fixed seed.
"""
import csv
import random
import sys

random.seed(20240229)
STATES = {
    "nsw": ["NSW", "nsw", "N.S.W.", "New South Wales", "NSW "],
    "vic": ["VIC", "vic", "Vic.", "Victoria", "VICTORIA"],
    "qld": ["QLD", "qld", "Qld.", "Queensland"],
    "wa": ["WA", "wa", "W.A.", "Western Australia"],
    "sa": ["SA", "sa", "S.A.", "South Australia"],
    "tas": ["TAS", "tas", "Tas.", "Tasmania"],
    "act": ["ACT", "act", "A.C.T."],
    "nt": ["NT", "nt", "N.T.", "Northern Territory"],
}
NOTHING = ["", "N/A", "-", "unknown"]


def read(path):
    with open(path, newline="") as file:
        rows = [{key.strip(): (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]
    return {int(row["rec_id"].split("-")[1]): row for row in rows}


def words(text):
    """A text as somebody might have typed it."""
    way = random.random()
    if way < 0.25:
        text = text.upper()
    elif way < 0.8:
        text = text.title()
    if way > 0.9 and " " in text:
        text = text.replace(" ", random.choice(["-", "  "]), 1)
    return random.choice(["", "", "", "", " "]) + text + random.choice(["", "", "", "", " "])


def or_nothing(text, share=0.0):
    return random.choice(NOTHING) if not text or random.random() < share else text


def day(text, layout):
    """A date of the source (yyyymmdd) in a layout; what is no date stays as it is."""
    if len(text) != 8 or not text.isdigit():
        return or_nothing(text)
    year, month, day = text[:4], text[4:6], text[6:]
    return {"dmy": f"{int(day)}/{int(month)}/{year}", "iso": f"{year}-{month}-{day}"}[layout]


def amount(value):
    way = random.random()
    if value < 0:
        return f"({-value:,.2f})" if way < 0.5 else f"{value:.2f}"
    return f"${value:,.2f}" if way < 0.4 else f"{value:,.2f}" if way < 0.7 else f"{value:.2f}"


def crm_row(number, person, row):
    name = f"{words(row['surname']).strip()}, {words(row['given_name']).strip()}"
    if not row["surname"] or not row["given_name"]:
        name = words(row["surname"] or row["given_name"]).strip() or random.choice(NOTHING)
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    contact = f"{random.randint(1, 28)} {random.choice(months)} {random.choice([2022, 2023, 2024])}"
    return [f"C{number:05d}", name, " ".join(filter(None, [row["street_number"], words(row["address_1"]).strip()])),
            words(row["suburb"]), or_nothing(row["postcode"], 0.03), random.choice(STATES.get(row["state"], [row["state"]])),
            day(row["date_of_birth"], "dmy"), or_nothing(row["soc_sec_id"], 0.1),
            random.choice(["yes", "no", "Y", "N", "Yes", ""]), amount(round(random.gauss(400, 350), 2)), contact, person]


def shop_row(number, person, row):
    given, surname = row["given_name"], row["surname"]
    mail = f"{given or 'x'}.{surname or 'y'}{random.choice(['', str(person % 100)])}@{random.choice(['example.com', 'example.org', 'mail.example'])}"
    mail = mail.replace(" ", "") if random.random() > 0.02 else mail.replace("@", " at ")
    return [str(70000 + number), words(given), words(surname), row["street_number"], words(row["address_1"]), words(row["suburb"]),
            row["postcode"], random.choice(STATES.get(row["state"], [row["state"]])), day(row["date_of_birth"], "iso"),
            or_nothing(row["soc_sec_id"], 0.2), mail, amount(round(abs(random.gauss(80, 60)), 2)),
            f"{random.randint(2019, 2024)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d} {random.randint(0, 23):02d}:{random.randint(0, 59):02d}", person]


originals, copies = read(sys.argv[1]), read(sys.argv[2])
people = sorted(originals)
random.shuffle(people)
crm_people, shop_people = people[:1200], people[500:1500]

lines = [crm_row(number, person, originals[person]) for number, person in enumerate(crm_people)]
# Some customers were entered twice, the second time as the other file of the source spells them.
lines += [crm_row(1200 + number, person, copies[person]) for number, person in enumerate(random.sample(crm_people, 60))]
random.shuffle(lines)
with open("sample-data/people/crm.csv", "w", newline="") as file:
    writer = csv.writer(file, delimiter=";", lineterminator="\n")
    writer.writerow(["Customer No", "Name", "Street", "Suburb", "Postcode", "State", "Born", "Insurance", "Newsletter", "Balance", "Last Contact", "person"])
    for at, line in enumerate(lines):
        writer.writerow(line)
        if at in (211, 640):
            file.write(";".join(line[:5]) + ";a line that broke;off\n")

lines = [shop_row(number, person, copies[person]) for number, person in enumerate(shop_people)]
random.shuffle(lines)
with open("sample-data/people/shop.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "first_name", "last_name", "house", "street", "suburb", "post_code", "state", "birth_date", "insurance", "email", "spent", "signed_up", "person"])
    writer.writerows(lines)
