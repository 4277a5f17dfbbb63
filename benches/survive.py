"""Kills runs with SIGKILL at random moments and looks at what becomes of them.

    python3 benches/survive.py [--binary GRISTMILL] [--kills 50] [--rows 1000000] [--seed 1]

Each round starts the pipeline again where the last one was killed; when a run gets through, its outputs are compared with those
of a run that nobody killed and the next round begins with an empty folder. It is an error when an output differs in a byte,
when a temporary file is left, or when a stage that a run had told as finished begins its work again.
Standard library only. The numbers go to README.md between the marks `survive`.
"""

import argparse
import hashlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import comparison

PIPELINE = """\
name: survive
stages:
  - id: rows
    read: {path: rows.csv, on_error: reject, reject_limit: 100000}
  - id: filled
    impute: {columns: {z: median}}
  - id: scaled
    standardize: {columns: [x, y]}
  - id: once
    dedupe: {on: [key, day]}
  - id: table
    write: {path: out/table.parquet}
  - id: described
    from: once
    describe: {}
  - id: groups
    from: once
    aggregate: {by: [day, part], compute: {n: count(*), x: avg(x), z: max(z)}}
  - id: sorted
    sort: {by: [day, part]}
  - id: groups_file
    write: {path: out/groups.csv}
  - id: by_part
    from: once
    write: {path: out/by_part, format: ndjson, partition_by: part}
  - id: picture
    from: sorted
    chart: {mark: line, x: day, y: sum(n), save: out/picture.svg}
  - id: tensors
    from: once
    tensors: {features: [x, y, z], target: day}
  - id: model
    train: {network: [{dense: 16}], epochs: 1, batch_size: 4096, save: out/model}
report: {path: out/report.html}
"""


def make_rows(path: pathlib.Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("key,day,x,y,z,part\n")
        for row in range(rows):
            z = "" if row % 11 == 0 else row % 97
            broken = ",too many" if row % 20000 == 19999 else ""
            file.write(f"{row * 31 % (rows * 5 // 6)},{row % 365},{row * 7919 % 10007}.5,{row % 1013},{z},p{row % 5}{broken}\n")


def outputs(folder: pathlib.Path) -> dict[str, str]:
    """The outputs by their names. The report tells of times, which differ."""
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file() and path.name != "report.html")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def left_over(folder: pathlib.Path) -> list[str]:
    state = folder / ".gristmill"
    found = [path for path in folder.rglob("*") if path.name.endswith(".tmp")]
    found += [path for path in state.glob("runs/*/scratch")] + [path for path in state.glob("spill/*")]
    return [str(path.relative_to(folder)) for path in found]


def told(run: pathlib.Path, event: str) -> set[str]:
    found = set()
    journal = run / "events.jsonl"
    for line in journal.read_text().splitlines() if journal.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["event"] == event and (event == "stage_started" or entry["status"] == "done"):
            found.add(entry["stage"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=comparison.GRISTMILL)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = str(pathlib.Path(options.binary).resolve())
    chance = random.Random(options.seed)
    home = pathlib.Path(tempfile.mkdtemp(prefix="survive-"))
    make_rows(home / "rows.csv", options.rows)

    def folder(name: str) -> pathlib.Path:
        path = home / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        (path / "rows.csv").symlink_to(home / "rows.csv")
        (path / "p.yaml").write_text(PIPELINE)
        return path

    def start(path: pathlib.Path) -> subprocess.Popen:
        return subprocess.Popen([program, "run", "p.yaml", "--quiet"], cwd=path)

    reference = folder("reference")
    began = time.monotonic()
    if start(reference).wait() != 0:
        sys.exit("the reference run failed")
    whole = time.monotonic() - began
    wanted = outputs(reference)

    kills = rounds = completed = 0
    repeated: list[str] = []
    wrong: list[str] = []
    while kills < options.kills:
        rounds += 1
        work = folder("work")
        finished: set[str] = set()
        seen: set[pathlib.Path] = set()
        while True:
            run = start(work)
            killed = False
            if kills < options.kills:
                try:
                    run.wait(timeout=chance.uniform(0, whole * 0.8))
                except subprocess.TimeoutExpired:
                    run.send_signal(signal.SIGKILL)
                    kills += 1
                    killed = True
            code = run.wait()
            for folder_of_run in sorted(set((work / ".gristmill/runs").glob("*")) - seen):
                seen.add(folder_of_run)
                repeated += sorted(told(folder_of_run, "stage_started") & finished)
                finished |= told(folder_of_run, "stage_finished")
            if not killed:
                break
        if code != 0:
            sys.exit(f"a run that nobody killed ended with {code}")
        completed += 1
        found = outputs(work)
        wrong += [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
        wrong += left_over(work)
    shutil.rmtree(home)
    facts = [
        ("rows, and stages of the pipeline", f"{options.rows:,}, {PIPELINE.count('  - ')}"),
        ("seconds of a run that nobody kills", f"{whole:.1f}"),
        ("kills, and runs that got through", f"{kills}, {completed}"),
        ("outputs compared after each of them", f"{len(wanted)}"),
        ("outputs that differ, files left over", f"{len(wrong)}"),
        ("finished stages that began again", f"{len(repeated)}"),
    ]
    text = "\n".join(["| what | number |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)])
    print(text, *wrong[:5], *repeated[:5], sep="\n")
    comparison.rewrite("survive", text)
    sys.exit(1 if wrong or repeated else 0)


if __name__ == "__main__":
    main()
