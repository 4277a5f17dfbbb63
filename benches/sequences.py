"""usage: sequences.py FOLDER [--rounds N] [--peers PYTHON]: frequent sequences against Seq2Pat and PyPI prefixspan.

Makes seeded sequences in FOLDER as CSV, mines them with each program from the file to a file of patterns, and compares the patterns
and their supports to the last one. Two tasks: all patterns of two events and more (`thin`: many events, short sequences), and patterns
whose events follow each other within three positions (`gaps`).
"""

import argparse
import json
import pathlib
import random
import sys

import comparison

TASKS = {
    "thin": {"sequences": 20_000, "events": 500, "length": 15, "patterns": 200, "support": 0.003, "max_gap": None},
    "gaps": {"sequences": 10_000, "events": 100, "length": 20, "patterns": 100, "support": 0.005, "max_gap": 3},
}


def make(path, task, seed):
    """Sequences of events with falling frequencies into which hidden patterns are laid, as in the generator of Agrawal and Srikant 1995."""
    luck = random.Random(seed)
    hidden = [[luck.randint(1, task["events"]) for _ in range(luck.randint(2, 6))] for _ in range(task["patterns"])]
    weights = [luck.expovariate(1) for _ in hidden]
    events = range(1, task["events"] + 1)
    falling = [1 / (rank + 5) for rank in range(task["events"])]
    with open(path, "w") as file:
        file.write("sequence,position,event\n")
        for number in range(task["sequences"]):
            length = max(1, round(luck.gauss(task["length"], task["length"] / 3)))
            sequence = luck.choices(events, falling, k=length)
            for pattern in luck.choices(hidden, weights, k=2):
                places = sorted(luck.sample(range(length), min(length, len(pattern))))
                for place, event in zip(places, pattern):
                    sequence[place] = event
            file.writelines(f"{number},{position},{event}\n" for position, event in enumerate(sequence))


def pipeline(folder, name, task):
    gap = f", max_gap: {task['max_gap']}" if task["max_gap"] else ""
    text = f"""name: sequences
stages:
  - read: {{path: {name}.csv}}
  - sequences: {{by: sequence, order: position, event: event, min_support: {task['support']}, min_length: 2{gap}}}
  - write: {{path: {name}.gristmill.ndjson}}
"""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def patterns(path):
    found = {}
    with open(path) as file:
        for line in file:
            row = json.loads(line)
            found[tuple(int(event) for event in row["elements"])] = row["count"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=sys.executable)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, task) in enumerate(TASKS.items(), 1):
        data = options.folder / f"{name}.csv"
        if not data.exists():
            make(data, task, seed)
        outputs = {"gristmill": options.folder / f"{name}.gristmill.ndjson"}
        threads = str(comparison.THREADS)
        words = [comparison.GRISTMILL, "run", pipeline(options.folder, name, task), "--no-cache", "--quiet", "--threads", threads]
        programs = [comparison.Program("gristmill", words, folder=options.folder)]
        peers = ["seq2pat"] if task["max_gap"] else ["seq2pat", "prefixspan"]
        for peer in peers:
            outputs[peer] = options.folder / f"{name}.{peer}.ndjson"
            script = comparison.FOLDER / "peers" / f"sequences_{peer}.py"
            words = [options.peers, script, data, task["support"], task["max_gap"] or 0, outputs[peer]]
            programs.append(comparison.Program(peer, words, timeout=1200))
        measured = comparison.compare(programs, options.rounds)
        own = patterns(outputs["gristmill"])
        same = {"gristmill": f"{len(own):,}"}
        for peer in peers:
            if not measured[peer][0].failure:
                found = patterns(outputs[peer])
                same[peer] = f"{len(found):,}, {'equal' if found == own else 'DIFFERENT'}"
        what = "within gaps of 3" if task["max_gap"] else "without limits"
        title = f"{task['sequences']:,} sequences of {task['length']} events on average, {task['events']} different ones, support {task['support']}, {what}"
        comparison.store(f"sequences_{name}", title, measured, {"patterns": same})


main()
