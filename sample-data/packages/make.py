"""Writes depends.csv.gz: what the packages of some sections of Debian 12 need, a line for each need.

    apt-get update && apt-cache dumpavail | python make.py

Kept are the `Depends` of packages for amd64 in the sections below: the first of alternatives, without version, each once. Left
out are `libc6` and what a package needs of its own source (its data, its manual), which say nothing about what goes together.
"""

import csv
import gzip
import io
import pathlib
import re
import sys

SECTIONS = {"editors", "education", "electronics", "games", "gnome", "graphics", "hamradio", "kde", "mail", "math", "net", "science", "sound", "video", "web", "xfce"}


def stanzas(lines):
    """The fields of each package; lines that go on are joined."""
    fields, last = {}, None
    for line in lines:
        if line == "\n":
            yield fields
            fields, last = {}, None
        elif line[0].isspace():
            fields[last] += line.strip()
        else:
            last, _, value = line.partition(":")
            fields[last] = value.strip()
    if fields:
        yield fields


def main():
    newest = {}
    for package in stanzas(io.TextIOWrapper(sys.stdin.buffer, "utf-8")):
        if package.get("Section") in SECTIONS and package.get("Architecture") == "amd64":
            newest.setdefault(package["Package"], package)
    source = lambda name: newest.get(name, {}).get("Source", name).split(" ")[0]
    rows = []
    for name, package in sorted(newest.items()):
        needs = set()
        for need in package.get("Depends", "").split(","):
            first = re.match(r"\s*([a-z0-9][a-z0-9.+-]*)", need.split("|")[0])
            if first and first[1] != "libc6" and not first[1].startswith(name) and source(first[1]) != source(name):
                needs.add(first[1])
        rows += [(name, package["Section"], need) for need in sorted(needs)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("package", "section", "needs"))
    writer.writerows(rows)
    path = pathlib.Path(__file__).parent / "depends.csv.gz"
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write(text.getvalue().encode())
    print(len(rows), "rows,", len({row[0] for row in rows}), "packages,", path.stat().st_size, "bytes")


main()
