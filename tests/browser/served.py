"""A served folder with a few jobs, its server, and a browser that sees nothing else."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from playwright.sync_api import sync_playwright

GRISTMILL = os.environ.get("GRISTMILL", "gristmill")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WAIT = 20_000  # Milliseconds: a loaded machine starts a worker in seconds.

SALES = """\
name: sales
description: Sales of a day by shop
params: {day: 2026-11-26}
stages:
  - id: sales
    read: {path: data/sales.csv}
  - id: of_day
    filter: "day = cast('${day}' as date)"
  - id: by_shop
    aggregate: {by: [shop], compute: {sales: "sum(sales)"}}
  - id: written
    write: {path: out/sales.csv}
"""

# A training that nobody waits for: it is there to be cancelled.
SLOW = """\
name: slow
stages:
  - id: points
    read: {path: data/points.csv}
  - id: tensors
    tensors: {features: {number: [x]}, target: y}
  - id: model
    train: {network: [{dense: 64}, {dense: 64}], epochs: 100000}
"""

JOBS = {
    "sales": """\
description: Sales of the day, each night
pipeline: pipelines/sales.yaml
parameters: {day: "2026-11-26"}
schedule: {cron: "30 23 * * *", zone: Europe/Berlin}
promote: {sales: out/sales.csv}
""",
    "slow": "description: Learns for a long time\npipeline: pipelines/slow.yaml\n",
    "days": """\
description: Sales by day
pipeline: pipelines/sales.yaml
parameters: {day: "${partition.key}"}
partitions: {days: {from: 2026-11-01, to: 2026-11-05}}
""",
    "broken": "pipline: pipelines/sales.yaml\n",
}


class Served:
    """A server over a folder of its own. `token` may do all, `reader` may look."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gristmill-browser-")
        base = pathlib.Path(self.folder.name)
        for name in ("jobs", "pipelines", "data", "out"):
            (base / name).mkdir()
        (base / "pipelines/sales.yaml").write_text(SALES)
        (base / "pipelines/slow.yaml").write_text(SLOW)
        for name, text in JOBS.items():
            (base / f"jobs/{name}.yaml").write_text(text)
        days = [f"2026-11-{day:02}" for day in range(1, 28)]
        rows = [f"{day},{shop},{number}" for day in days for number, shop in ((120, "north"), (80, "south"))]
        (base / "data/sales.csv").write_text("\n".join(["day,shop,sales", *rows]) + "\n")
        (base / "data/points.csv").write_text("x,y\n" + "".join(f"{n / 100},{n * n % 97}\n" for n in range(5000)))
        self.token, self.reader = "for-the-loopback-of-a-test-0123456789-admin", "for-the-loopback-of-a-test-9876543210-reader"
        for name, token in (("token", self.token), ("reader", self.reader)):
            path = base / name
            path.write_text(token + "\n")
            path.chmod(0o600)
        self.base = base
        self.port = 0
        self.start()

    def start(self):
        options = ["--dir", self.base, "--port", str(self.port), "--token-file", self.base / "token", "--reader-token-file", self.base / "reader", "--runs", "2", "--grace", "2"]
        self.process = subprocess.Popen([GRISTMILL, "serve", *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.base)
        self.errors = []
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self.drain, args=(stream,), daemon=True).start()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = re.search(r"https?://[^\s\"]+:(\d+)", "".join(self.errors))
            if found:
                self.port = int(found.group(1))
                self.url = f"http://127.0.0.1:{self.port}"
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError("the server did not start:\n" + "".join(self.errors))

    def drain(self, stream):
        for line in stream:
            self.errors.append(line)
        stream.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.stop()
        self.folder.cleanup()

    def api(self, path, body=None):
        """Asks the API, as a program would."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class InBrowser(unittest.TestCase):
    """One server and one browser for the tests of a class; a context of its own, logged in, for each test."""

    width, height, scheme, script = 1280, 900, "light", True

    @classmethod
    def setUpClass(cls):
        cls.served = Served()
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()
        cls.served.close()

    def setUp(self):
        self.context = self.browser.new_context(
            viewport={"width": self.width, "height": self.height}, color_scheme=self.scheme, java_script_enabled=self.script, base_url=self.served.url
        )
        self.context.set_default_timeout(WAIT)
        self.context.route(lambda url: not url.startswith(self.served.url), lambda route: route.abort())
        self.page = self.context.new_page()
        self.trouble = []
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("console", lambda line: line.type == "error" and self.trouble.append(f"console: {line.text}"))

    def tearDown(self):
        self.context.close()

    def log_in(self, token=None, path="/"):
        self.page.goto(path)
        self.page.get_by_label("Token").fill(token or self.served.token)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def run_job(self, name, wait="Succeeded"):
        """Runs a job by its button and gives the path of the run's page."""
        self.page.goto(f"/jobs/{name}")
        sheet = self.page.locator("summary", has_text="Run …")
        if sheet.count():
            sheet.click()
            self.page.get_by_role("button", name="Run", exact=True).click()
        else:
            self.page.get_by_role("button", name="Run now").click()
        self.page.wait_for_url("**/runs/*")
        if wait:
            self.state(wait)
        return self.page.url

    def row(self, job):
        """The row of a job in the list of jobs; a name may be part of another's row."""
        return self.page.locator("#jobs tbody tr").filter(has=self.page.get_by_role("link", name=job, exact=True))

    def state(self, word):
        """Waits until the page of the run says so, without loading it again."""
        self.page.locator(".title .badge", has_text=word).wait_for()

    def quiet(self):
        """Nothing went wrong in the page: no error of the script, nothing that the policy forbids."""
        self.assertEqual(self.trouble, [])
