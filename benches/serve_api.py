"""How fast the API and the dashboard answer with a long history.

    python3 benches/serve_api.py [--binary GRISTMILL] [--runs 100000] [--requests 1000]

A folder of 50 jobs is served whose database holds 100,000 runs. Each route is asked over one connection that stays open, with
another page or run each time; a second table asks with four connections at once while runs are submitted. The time is from the
first byte sent to the last byte read. It is an error when an answer is not 200 or 202, when 99 of 100 answers of a route of the
API take longer than 10 ms, or of a page 100 ms. Standard library only. The numbers go to README.md between the marks
`serve_api`.
"""

import argparse
import datetime
import http.client
import json
import pathlib
import random
import sqlite3
import sys
import tempfile
import threading
import time
import uuid

import comparison
import serve_kills

JOBS = 50
API, PAGE = 10.0, 100.0


def fill(folder, runs, dice):
    """Puts runs into the database that a server has made: successes, failures, occurrences, partitions. Gives their names."""
    database = sqlite3.connect(folder / ".gristmill" / "gristmill.db")
    jobs = database.execute("SELECT name, definition FROM jobs WHERE definition IS NOT NULL ORDER BY name").fetchall()
    before = database.execute("SELECT coalesce(max(number), 0) FROM runs").fetchone()[0]
    now = time.time()
    rows, occurrences, names = [], [], []
    for number in range(before + 1, before + runs + 1):
        name, definition = jobs[number % len(jobs)]
        moment = now - (before + runs - number + 1) * 60
        at = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
        run = f"{at:%Y%m%d-%H%M%S}-{number:08}"
        micros = int(moment) * 1_000_000
        state = dice.choices(["succeeded", "failed", "cancelled", "timed_out", "lost"], [90, 6, 2, 1, 1])[0]
        seconds = dice.uniform(1, 50)
        metrics = json.dumps({"rows_in": dice.randrange(10**6), "rows_out": dice.randrange(10**6), "seconds": seconds, "accuracy": dice.random()})
        rows.append((number, run, name, micros, run, definition, state, "cancel" if state == "cancelled" else None, micros if state == "cancelled" else None,
                     micros, micros, micros + 500_000, micros + int(seconds * 1e6), micros + 500_000, 0 if state == "succeeded" else 1, metrics))
        occurrences.append((name, micros, run, micros, micros))
        names.append(run)
    with database:
        database.executemany(
            "INSERT INTO runs (number, id, job, origin, scheduled, attempt, root, resumes, priority, definition, parameters, requested_by, state, claim, "
            "stop, stop_asked, queued, claimed, started, ended, heartbeat, exit_code, metrics) "
            "VALUES (?, ?, ?, 'schedule', ?, 1, ?, 0, 0, ?, '{}', 'schedule', ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.executemany(
            "INSERT INTO occurrences (job, scheduled, outcome, run, recorded, settled) VALUES (?, ?, 'started', ?, ?, ?)", occurrences)
        database.execute("INSERT INTO totals (job, state, runs, seconds) SELECT job, state, count(*), coalesce(sum(ended - started), 0) / 1e6 FROM runs WHERE ended IS NOT NULL GROUP BY job, state "
                         "ON CONFLICT (job, state) DO UPDATE SET runs = excluded.runs, seconds = excluded.seconds")
    database.execute("ANALYZE")
    database.close()
    return names


class Client:
    """One connection that stays open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Authorization": f"Bearer {serve_kills.TOKEN}", "Accept": "application/json, text/html"}

    def ask(self, method, path, body=None, key=None):
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status not in (200, 202):
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
        return took, text


def at(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=comparison.GRISTMILL)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="serve-api-") as name:
        folder = pathlib.Path(name)
        serve_kills.lay(folder)
        for job in (folder / "jobs").iterdir():
            job.unlink()
        for number in range(JOBS):
            text = "pipeline: pipelines/counted.yaml\nschedule: {cron: '0 4 1 1 *'}\nkeep: {runs: 1000000, days: 36500}\n"
            (folder / "jobs" / f"job-{number:02}.yaml").write_text(text)
        server = serve_kills.Server(arguments.binary, folder)
        time.sleep(3)
        server.process.terminate()
        server.process.wait(timeout=60)
        names = fill(folder, arguments.runs, dice)
        server.start()
        started = server.slowest
        job = lambda: f"job-{dice.randrange(JOBS):02}"
        run = lambda: dice.choice(names)
        before = lambda: dice.randrange(1, arguments.runs)
        routes = [
            ("GET /api/jobs", API, lambda: "/api/jobs"),
            ("GET /api/jobs/{name}", API, lambda: f"/api/jobs/{job()}"),
            ("GET /api/jobs/{name}/runs", API, lambda: f"/api/jobs/{job()}/runs?before={before()}"),
            ("GET /api/jobs/{name}/next", API, lambda: f"/api/jobs/{job()}/next"),
            ("GET /api/jobs/{name}/occurrences", API, lambda: f"/api/jobs/{job()}/occurrences"),
            ("GET /api/jobs/{name}/partitions", API, lambda: f"/api/jobs/{job()}/partitions"),
            ("GET /api/jobs/{name}/backfills", API, lambda: f"/api/jobs/{job()}/backfills"),
            ("GET /api/runs", API, lambda: f"/api/runs?before={before()}"),
            ("GET /api/runs?state=failed", API, lambda: f"/api/runs?state=failed&before={before()}"),
            ("GET /api/runs?job=..&state=lost", API, lambda: f"/api/runs?job={job()}&state=lost"),
            ("GET /api/runs/{id}", API, lambda: f"/api/runs/{run()}"),
            ("GET /api/runs/{id}/log", API, lambda: f"/api/runs/{run()}/log"),
            ("GET /api/models", API, lambda: "/api/models"),
            ("GET /api/audit", API, lambda: "/api/audit"),
            ("GET /api/notifications", API, lambda: "/api/notifications"),
            ("GET /api/openapi.json", API, lambda: "/api/openapi.json"),
            ("GET /metrics", API, lambda: "/metrics"),
            ("GET /healthz", API, lambda: "/healthz"),
            ("GET / (page)", PAGE, lambda: "/"),
            ("GET /timeline (page)", PAGE, lambda: "/timeline"),
            ("GET /jobs/{name} (page)", PAGE, lambda: f"/jobs/{job()}"),
            ("GET /runs/{id} (page)", PAGE, lambda: f"/runs/{run()}"),
        ]
        client, lines, slow = Client(server.port), [], []
        for title, most, path in routes:
            for _ in range(20):
                client.ask("GET", path())
            asked = [client.ask("GET", path()) for _ in range(arguments.requests)]
            times = [took for took, _ in asked]
            size = sum(len(text) for _, text in asked) / len(asked) / 1024
            lines.append(f"| `{title}` | {at(times, 0.5):.2f} | {at(times, 0.99):.2f} | {max(times):.2f} | {size:.1f} |")
            print(lines[-1], flush=True)
            if at(times, 0.99) > most:
                slow.append(f"{title}: {at(times, 0.99):.1f} ms, and {most:.0f} ms are allowed")
        ended, times, submitted = threading.Event(), [], []

        def read():
            own = Client(server.port)
            while not ended.is_set():
                times.append(own.ask("GET", random.choice(routes[:17])[2]())[0])

        def submit():
            own = Client(server.port)
            while not ended.is_set():
                submitted.append(own.ask("POST", f"/api/jobs/{job()}/run", "{}", str(uuid.uuid4()))[0])
                time.sleep(0.05)

        threads = [threading.Thread(target=read) for _ in range(4)] + [threading.Thread(target=submit)]
        for thread in threads:
            thread.start()
        time.sleep(20)
        ended.set()
        for thread in threads:
            thread.join()
        server.process.terminate()
        server.process.wait(timeout=120)
        facts = [
            f"With {arguments.runs:,} runs in the database the server answers {started:.2f} s after its start. Milliseconds, one connection:",
            "",
            "| route | half of the answers | 99 of 100 | the slowest | KiB |",
            "|---|---|---|---|---|",
            *lines,
            "",
            f"Four connections at once ask routes of the API at random while runs are submitted and worked on: {len(times) / 20:.0f} answers a second, half of them within "
            f"{at(times, 0.5):.1f} ms, 99 of 100 within {at(times, 0.99):.1f} ms; a run is acknowledged, and on disk, within {at(submitted, 0.5):.1f} ms, 99 of 100 within "
            f"{at(submitted, 0.99):.1f} ms.",
        ]
        print("\n".join(facts))
        comparison.rewrite("serve_api", "\n".join(facts))
        if slow:
            print("\n".join(slow), file=sys.stderr)
            raise SystemExit(f"{len(slow)} routes are too slow")


if __name__ == "__main__":
    main()
