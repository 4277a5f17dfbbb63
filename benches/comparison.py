"""What the benchmarks of this folder share: programs run side by side, their time and memory, and the table in README.md.

A benchmark makes a list of `Program`s, calls `compare`, checks that their outputs are equal, and calls `store`. `store` keeps the
numbers in results/NAME.json and rewrites the table between `<!-- NAME -->` and `<!-- /NAME -->` in README.md.
"""

import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
THREADS = 2
GRISTMILL = os.environ.get("CARGO_TARGET_DIR", os.path.expanduser("~/.cache/gristmill-target")) + "/release/gristmill"


@dataclasses.dataclass
class Program:
    """A program with the words that start it."""

    name: str
    words: list
    environment: dict = dataclasses.field(default_factory=dict)
    folder: pathlib.Path | None = None
    # Bytes of resident memory above which the program is stopped, so that it does not take the machine down.
    stop_above: int | None = None
    timeout: float = 3600.0
    # Called before each round: empties folders, drops caches of its own.
    before: object = None


@dataclasses.dataclass
class Measured:
    """One run: seconds on the clock, seconds of processors, peak of resident memory in bytes, and why it failed, if it did."""

    seconds: float
    processors: float
    peak: int
    failure: str | None = None
    output: str = ""


def _resident(pid):
    """Resident memory of a process and all processes below it, in bytes."""
    total = 0
    try:
        with open(f"/proc/{pid}/statm") as file:
            total = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
    except OSError:
        return total
    return total + sum(_resident(int(child)) for child in children)


def run(program):
    """Runs a program once. Its peak is the larger of what is seen every 20 ms for the whole tree of its processes and what the
    system reports for the largest of them."""
    if program.before is not None:
        program.before()
    environment = os.environ | {"THREADS": str(THREADS), "POLARS_MAX_THREADS": str(THREADS)} | program.environment
    began = time.monotonic()
    child = subprocess.Popen([str(word) for word in program.words], env=environment, cwd=program.folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.set_blocking(child.stdout.fileno(), False)
    peak, failure, output = 0, None, b""
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        output = (output + (child.stdout.read() or b""))[-20000:]
        if pid:
            break
        peak = max(peak, _resident(child.pid))
        if program.stop_above is not None and peak > program.stop_above:
            failure = f"stopped at {peak / 2**30:.1f} GiB"
        elif time.monotonic() - began > program.timeout:
            failure = f"stopped after {program.timeout:.0f} s"
        if failure is not None:
            os.killpg(child.pid, signal.SIGKILL)
            pid, status, usage = os.wait4(child.pid, 0)
            break
        time.sleep(0.02)
    seconds = time.monotonic() - began
    output += child.stdout.read() or b""
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    text = output.decode(errors="replace")
    if failure is None and child.returncode != 0:
        failure = f"failed after {seconds:.0f} s"
        print(f"{program.name}: exit code {child.returncode}\n{text[-3000:]}", file=sys.stderr)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss * 1024), failure, text)


def compare(programs, rounds=3):
    """Runs the programs in turn, so that whatever else the machine does falls on all of them; a program that fails is not tried
    again. Gives the runs by the program's name."""
    measured = {program.name: [] for program in programs}
    for number in range(rounds):
        for program in programs:
            if any(run.failure for run in measured[program.name]):
                continue
            found = run(program)
            measured[program.name].append(found)
            print(f"round {number + 1}: {program.name}: {found.failure or 'done'}, {found.seconds:.2f} s, {found.processors:.2f} s of processors, {found.peak / 2**30:.2f} GiB", file=sys.stderr)
    return measured


def close(left, right):
    """Whether two summaries of outputs agree; numbers to 1e-9 of their size, because sums of floats depend on their order."""
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(close(*pair) for pair in zip(left, right))
    try:
        left, right = float(left), float(right)
    except (TypeError, ValueError):
        return str(left) == str(right)
    return abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1.0)


def store(name, title, measured, columns=None, note=""):
    """Keeps the numbers and rewrites the table in README.md. `columns` gives further cells: {heading: {program: text}}."""
    rows = []
    for program, runs in measured.items():
        failure = next((run.failure for run in runs if run.failure), None)
        rows.append({
            "program": program,
            "seconds": statistics.median(run.seconds for run in runs),
            "best": min(run.seconds for run in runs),
            "processors": statistics.median(run.processors for run in runs),
            "peak": max(run.peak for run in runs),
            "rounds": len(runs),
            "failure": failure,
            **{heading: cells.get(program, "") for heading, cells in (columns or {}).items()},
        })
    result = {"name": name, "title": title, "rows": rows, "columns": list(columns or {}), "note": note}
    (FOLDER / "results").mkdir(exist_ok=True)
    (FOLDER / "results" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    text = table(result)
    print(text)
    rewrite(name, text)


def table(result):
    """The numbers as a Markdown table; ratios are to the first program."""
    first = result["rows"][0]
    further = result["columns"]
    lines = [f"| {result['title']} | seconds (median) | as a multiple of {first['program']} | seconds of processors | peak memory | {''.join(f'{heading} | ' for heading in further)}".rstrip()]
    lines.append("|---|---|---|---|---|" + "---|" * len(further))
    for row in result["rows"]:
        if row["failure"]:
            cells = [row["program"], f"- ({row['failure']})", "-", f"{row['processors']:.1f}", f"{row['peak'] / 2**30:.2f} GiB"]
        else:
            cells = [row["program"], f"{row['seconds']:.2f}", f"{row['seconds'] / first['seconds']:.2f}", f"{row['processors']:.1f}", f"{row['peak'] / 2**30:.2f} GiB"]
        lines.append("| " + " | ".join(cells + [str(row[heading]) for heading in further]) + " |")
    if result["note"]:
        lines += ["", result["note"]]
    return "\n".join(lines)


def rewrite(name, text):
    """Puts the table between its marks in README.md, where there are any."""
    path = FOLDER / "README.md"
    readme = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin in readme and end in readme:
        before, rest = readme.split(begin, 1)
        after = rest.split(end, 1)[1]
        path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    else:
        print(f"README.md has no place for the table: write {begin} and {end}", file=sys.stderr)


if __name__ == "__main__":
    # Writes all tables anew from the numbers in results/.
    for kept in sorted((FOLDER / "results").glob("*.json")):
        result = json.loads(kept.read_text())
        # A benchmark with a table of its own has stored it.
        rewrite(result["name"], result["table"] if "table" in result else table(result))
