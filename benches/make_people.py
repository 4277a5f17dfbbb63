#!/usr/bin/env python3
"""Writes generated people with typing errors: a part of them stands twice or three times in the file, each time with other errors.

usage: make_people.py PEOPLE.csv [--rows 1000000] [--seed 1] [--duplicates 0.25]

Columns: id, person (the truth: rows with the same number are one person), given_name, surname, date_of_birth, street_number, street,
city, postcode, phone. Names, streets and cities are made of syllables and are as unevenly frequent as real ones (Zipf). The same
arguments give the same file to the byte.
"""

import argparse
import csv
import random

SYLLABLES = ["an", "ar", "bel", "ber", "bor", "da", "del", "dor", "el", "en", "fa", "fel", "gar", "ha", "hel", "is", "jo", "ka", "kar", "la", "len",
             "li", "lo", "ma", "mar", "mi", "na", "nor", "o", "pa", "per", "ra", "ri", "ro", "sa", "sel", "si", "so", "ta", "ter", "ul", "va", "ver", "wal", "wi", "ya", "zen"]
ENDINGS = ["a", "e", "er", "ez", "i", "in", "is", "man", "o", "ov", "s", "sen", "son", "ton", "us", ""]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Neighbours on a keyboard: most wrong letters are one of them.
NEAR = {"a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip",
        "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x"}


def words(chance, number, parts, endings):
    """Distinct words, and how often each occurs relative to the first."""
    found = {}
    while len(found) < number:
        found.setdefault("".join(chance.choice(SYLLABLES) for _ in range(chance.choice(parts))) + chance.choice(endings), None)
    names = list(found)
    weights, total = [], 0.0
    for rank in range(number):
        total += 1.0 / (rank + 10) ** 0.9
        weights.append(total)
    return names, weights


def typo(chance, text):
    """One typing error."""
    if not text:
        return text
    at = chance.randrange(len(text))
    digits = text[at].isdigit()
    kind = chance.random()
    if kind < 0.4:
        new = chance.choice("0123456789") if digits else chance.choice(NEAR.get(text[at], LETTERS))
        return text[:at] + new + text[at + 1:]
    if kind < 0.6:
        return text[:at] + text[at + 1:]
    if kind < 0.8:
        return text[:at] + (chance.choice("0123456789") if digits else chance.choice(LETTERS)) + text[at:]
    if at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text[:at]


def date(chance, day):
    """A date with an error: a digit, or day and month exchanged."""
    year, month, of_month = day
    if chance.random() < 0.3 and of_month <= 12:
        return (year, of_month, month)
    kind = chance.random()
    if kind < 0.4:
        return (year, month, min(28, max(1, of_month + chance.choice([-10, -1, 1, 10]))))
    if kind < 0.7:
        return (year, (month + chance.choice([-1, 1]) - 1) % 12 + 1, of_month)
    return (year + chance.choice([-10, -1, 1, 10]), month, of_month)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duplicates", type=float, default=0.25, help="share of rows that are further records of a person")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    given, given_weights = words(chance, 2_500, [1, 2, 2], ENDINGS)
    family, family_weights = words(chance, 30_000, [1, 2, 2, 3], ENDINGS)
    streets, street_weights = words(chance, 12_000, [2, 2, 3], [" street", " road", " lane", " avenue", " close", " way"])
    cities, city_weights = words(chance, 1_200, [2, 2, 3], ["", "ton", "ham", "field", "burg", "ford"])
    pick = lambda names, weights: chance.choices(names, cum_weights=weights)[0]

    def address():
        city = chance.choices(range(len(cities)), cum_weights=city_weights)[0]
        return (str(int(chance.expovariate(1 / 40)) + 1), pick(streets, street_weights), cities[city], f"{city * 7 % 900 + 100:03d}{chance.randrange(10, 40):02d}")

    def person():
        day = (chance.randrange(1930, 2006), chance.randrange(1, 13), chance.randrange(1, 29))
        phone = "0" + "".join(chance.choice("0123456789") for _ in range(9))
        return [pick(given, given_weights), pick(family, family_weights), day, *address(), phone]

    def again(original):
        """The same person as somebody else wrote it down."""
        record = list(original)
        if chance.random() < 0.12:
            record[3:7] = address()
        if chance.random() < 0.15:
            record[7] = "0" + "".join(chance.choice("0123456789") for _ in range(9))
        if chance.random() < 0.03:
            record[0], record[1] = record[1], record[0]
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            field = chance.choice([0, 0, 1, 1, 2, 3, 4, 5, 6, 7])
            if field == 2:
                record[2] = date(chance, record[2]) if record[2] else record[2]
            else:
                record[field] = typo(chance, record[field])
        for field, share in [(0, 0.01), (1, 0.005), (2, 0.02), (3, 0.02), (4, 0.02), (5, 0.02), (6, 0.03), (7, 0.25)]:
            if chance.random() < share:
                record[field] = None if field == 2 else ""
        return record

    records = []
    number = 0
    while len(records) < options.rows:
        original = person()
        copies = 1
        if chance.random() < options.duplicates / (1 - options.duplicates) / 1.15:
            copies += 1 if chance.random() < 0.85 else 2
        records.append((number, original if copies == 1 else again(original) if chance.random() < 0.3 else original))
        records.extend((number, again(original)) for _ in range(copies - 1))
        number += 1
    del records[options.rows:]
    chance.shuffle(records)
    with open(options.people, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "person", "given_name", "surname", "date_of_birth", "street_number", "street", "city", "postcode", "phone"])
        for at, (number, record) in enumerate(records):
            day = "" if record[2] is None else "%04d-%02d-%02d" % record[2]
            writer.writerow([f"r{at}", f"p{number}", record[0], record[1], day, *record[3:]])


if __name__ == "__main__":
    main()
