"""How late runs start: 200 jobs, each due once a minute, spread over the seconds of the minute.

    python3 benches/serve_starts.py [--binary GRISTMILL] [--jobs 200] [--minutes 5]

A run's lateness is the time from its scheduled moment to the moment at which its process began, as the server recorded them. Each
job runs a pipeline of two stages on a small file. Standard library only. The numbers go to README.md between the marks
`serve_starts`.
"""

import argparse
import pathlib
import sqlite3
import tempfile
import time

import comparison
import serve_kills

PIPELINE = """\
name: counted
stages:
  - id: rows
    read: {path: rows.csv}
  - id: some
    filter: "n % 3 = 0"
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=comparison.GRISTMILL)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="serve-starts-") as name:
        folder = pathlib.Path(name)
        serve_kills.lay(folder)
        for job in (folder / "jobs").iterdir():
            job.unlink()
        (folder / "pipelines" / "counted.yaml").write_text(PIPELINE)
        for number in range(arguments.jobs):
            second = number * 60 // arguments.jobs
            text = f'pipeline: pipelines/counted.yaml\nschedule: {{cron: "{second} * * * * *"}}\noverlap: queue\n'
            (folder / "jobs" / f"job-{number:03}.yaml").write_text(text)
        server = serve_kills.Server(arguments.binary, folder)
        began = time.time()
        time.sleep(60 * arguments.minutes + 5)
        database = sqlite3.connect(folder / ".gristmill" / "gristmill.db")
        rows = database.execute(
            "SELECT scheduled, started, state FROM runs WHERE scheduled BETWEEN ? AND ? ORDER BY scheduled",
            (int((began + 2) * 1e6), int((began + 60 * arguments.minutes) * 1e6)),
        ).fetchall()
        server.process.terminate()
        server.process.wait(timeout=60)
    late = sorted((started - scheduled) / 1e6 for scheduled, started, _ in rows if started is not None)
    if not late or len(late) < len(rows):
        raise SystemExit(f"{len(rows) - len(late)} of {len(rows)} runs did not start")
    failed = sum(state not in ("succeeded", "running") for _, _, state in rows)
    at = lambda share: late[min(len(late) - 1, int(share * len(late)))]
    facts = [
        ("jobs, each once a minute", f"{arguments.jobs}"),
        ("runs started, ended badly", f"{len(late):,}, {failed}"),
        ("started within a second of their time", f"{100 * sum(each <= 1 for each in late) / len(late):.2f} %"),
        ("lateness: half of the runs, 99 of 100, the worst", f"{at(0.5):.3f} s, {at(0.99):.3f} s, {late[-1]:.3f} s"),
    ]
    text = "\n".join(["| what | number |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)])
    print(text)
    comparison.rewrite("serve_starts", text)


if __name__ == "__main__":
    main()
