"""Kills a server and its workers with SIGKILL at random moments under load, and looks at what became of the work.

    python3 benches/serve_kills.py [--binary GRISTMILL] [--kills 1000] [--seed 1]

Four clients submit runs by HTTP, each under a key of its own, and repeat a request until it is acknowledged. Now and then the
server or one of the processes that it started is killed, and the server is started again at once. At the end the queue is left
to run empty. It is an error when an acknowledged run is missing, when a key has two runs, when a run is tried again after it
succeeded, when a run has not ended well in the end, when SQLite's `integrity_check` finds something, or when something temporary
is left after the last start. Standard library only. The numbers go to README.md between the marks `serve_kills`.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import comparison

TOKEN = "for-the-loopback-of-a-test-only-0123456789"
JOBS = {"plain": "", "late": "retries: 2\n", "low": "priority: -1\n"}
PIPELINE = """\
name: counted
params: {place: a}
stages:
  - id: rows
    read: {path: rows.csv}
  - id: some
    filter: "n % 3 = 0"
  - id: table
    write: {path: "out/${place}.parquet"}
"""


def lay(folder):
    """A folder to serve: three jobs of a small pipeline, which are taken up again when their worker or server died."""
    (folder / "rows.csv").write_text("n\n" + "\n".join(str(number) for number in range(2000)) + "\n")
    for name in ("jobs", "pipelines"):
        (folder / name).mkdir()
    (folder / "pipelines" / "counted.yaml").write_text(PIPELINE)
    for name, more in JOBS.items():
        text = f"pipeline: pipelines/counted.yaml\nafter_crash: again\nruns: 2\nparameters: {{place: {name}}}\n{more}"
        (folder / "jobs" / f"{name}.yaml").write_text(text)
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)


def free_port():
    """A port below those that the system gives to clients: one of theirs could take it while the server is down."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no port is free")


class Server:
    """The server, which is started again whenever it was killed."""

    def __init__(self, binary, folder):
        self.folder, self.port = folder, free_port()
        self.words = [binary, "serve", "--dir", str(folder), "--port", str(self.port), "--token-file", str(folder / "token"), "--runs", "4"]
        self.starts, self.slowest = 0, 0.0
        self.start()

    def start(self):
        began = time.monotonic()
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while not self.answers():
            if self.process.poll() is not None:
                last = (self.folder / "server.log").read_text()[-1000:]
                raise SystemExit(f"the server ended with {self.process.returncode}:\n{last}")
            if time.monotonic() - began > 60:
                raise SystemExit("the server does not answer after 60 s")
            time.sleep(0.01)
        self.starts += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def answers(self):
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            if key:
                headers["Idempotency-Key"] = key
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def workers(self):
        """Processes of runs: all that have this folder among their arguments, but the server."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != self.process.pid:
                try:
                    words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"run" in words[1:2] and str(self.folder).encode() in b"\0".join(words):
                    found.append(int(entry))
        return found


def submit(server, acknowledged, refused, ended, pause, seed):
    """A client: submits one run after the other until it is told to end."""
    dice = random.Random(seed)
    while not ended.is_set():
        job, key = dice.choice(list(JOBS)), str(uuid.UUID(int=dice.getrandbits(128)))
        while not ended.is_set():
            try:
                status, body = server.ask("POST", f"/api/jobs/{job}/run", {}, key)
            except OSError:
                time.sleep(0.02)
                continue
            if status in (200, 201, 202):
                acknowledged[key] = json.loads(body)["run"]
                break
            # A job file that was just written is read after two seconds; until then there is no such job.
            if status not in (404, 429, 503):
                refused.append(f"a run is refused: {status} {body[:300]}")
                return
            time.sleep(0.1)
        time.sleep(dice.uniform(0, 2 * pause))


def drained(server, patience):
    """Waits until no run waits or works."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with sqlite3.connect(server.folder / ".gristmill" / "gristmill.db", timeout=30) as database:
            left = database.execute("SELECT count(*) FROM runs WHERE state IN ('queued', 'starting', 'running')").fetchone()[0]
        if left == 0:
            return
        time.sleep(0.5)
    raise SystemExit(f"{left} runs have not ended after {patience} s")


def judge(folder, acknowledged):
    """What went wrong, as sentences, and numbers to tell."""
    wrong = []
    database = sqlite3.connect(folder / ".gristmill" / "gristmill.db")
    found = database.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        wrong.append(f"integrity_check: {found}")
    submitted = dict(database.execute("SELECT key, run FROM submissions"))
    for key, run in acknowledged.items():
        if submitted.get(key) != run:
            wrong.append(f"the acknowledged run {run} is lost: its key has {submitted.get(key)}")
    chains = collections.defaultdict(list)
    for root, state, message in database.execute("SELECT root, state, message FROM runs ORDER BY number"):
        chains[root].append((state, message))
    for root, attempts in chains.items():
        states = [state for state, _ in attempts]
        if states.count("succeeded") != 1 or states[-1] != "succeeded":
            wrong.append(f"run {root} went {' > '.join(states)}: {attempts[-1][1]}")
    temporary = [str(path) for pattern in ("**/*.partial", "**/*.tmp", "**/.tmp*") for path in folder.glob(pattern)]
    wrong += [f"left behind: {path}" for path in temporary]
    attempts = sum(len(attempts) for attempts in chains.values())
    return wrong, {"runs": len(chains), "attempts": attempts, "acknowledged": len(acknowledged)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=comparison.GRISTMILL)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.4, help="seconds between the requests of a client, on average")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="serve-kills-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        lay(folder)
        server = Server(arguments.binary, folder)
        acknowledged, refused, ended = {}, [], threading.Event()
        clients = [threading.Thread(target=submit, args=(server, acknowledged, refused, ended, arguments.pause, dice.random())) for _ in range(4)]
        for client in clients:
            client.start()
        killed = collections.Counter()
        began = time.monotonic()
        while killed.total() < arguments.kills:
            time.sleep(dice.uniform(0.01, 0.6))
            workers = server.workers()
            if workers and dice.random() < 0.5:
                try:
                    os.kill(dice.choice(workers), signal.SIGKILL)
                    killed["workers"] += 1
                except ProcessLookupError:
                    pass
            else:
                server.process.kill()
                server.process.wait()
                killed["server"] += 1
                server.start()
            if killed.total() % 50 == 0:
                print(f"{killed.total()} killed, {len(acknowledged)} acknowledged, {time.monotonic() - began:.0f} s", flush=True)
        ended.set()
        for client in clients:
            client.join()
        drained(server, 900)
        server.process.terminate()
        code = server.process.wait(timeout=60)
        server.start()
        server.process.terminate()
        server.process.wait(timeout=60)
        wrong, numbers = judge(folder, acknowledged)
        wrong += refused
        if code != 0:
            wrong.append(f"the server ended with {code} when it was asked to")
        if wrong:
            print("\n".join(wrong[:40]), file=sys.stderr)
            raise SystemExit(f"{len(wrong)} errors")
        facts = [
            ("SIGKILLs of the server, of processes of runs", f"{killed['server']}, {killed['workers']}"),
            ("runs acknowledged, attempts in all", f"{numbers['acknowledged']:,}, {numbers['attempts']:,}"),
            ("the slowest start of the server until it answers", f"{server.slowest:.2f} s"),
            ("acknowledged runs lost", "0"),
            ("runs tried again after they had succeeded, or that did not succeed in the end", "0"),
            ("`integrity_check`, files left behind", "ok, 0"),
        ]
        text = "\n".join(["| what | number |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)])
        print(text)
        comparison.rewrite("serve_kills", text)


if __name__ == "__main__":
    main()
