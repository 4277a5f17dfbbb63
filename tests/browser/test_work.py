"""What a person does with jobs and runs."""

import time

from served import InBrowser


class Work(InBrowser):
    def setUp(self):
        super().setUp()
        self.log_in()

    def test_a_run_with_parameters_ends_well_and_shows_its_ledger_and_report(self):
        self.page.goto("/jobs/sales")
        self.page.locator("summary", has_text="Run …").click()
        self.page.get_by_label("day", exact=True).fill("2026-11-03")
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.wait_for_url("**/runs/*")
        self.state("Succeeded")
        main = self.page.locator("main")
        self.page.get_by_role("heading", name="Where the rows went").wait_for()
        for words in ("It ended well", "2026-11-03", "by a person", "Ledger", "by_shop"):
            self.assertIn(words, main.inner_html(), words)
        self.page.locator("iframe.report").scroll_into_view_if_needed()
        frame = self.page.frame_locator("iframe.report")
        frame.locator("h1").wait_for()
        self.assertEqual(frame.locator("h1").inner_text(), "sales", "the report has the pipeline's name")
        self.assertEqual(self.page.locator("iframe.report").get_attribute("sandbox"), "")
        self.quiet()

    def test_a_run_at_work_is_cancelled_and_run_again(self):
        url = self.run_job("slow", wait="At work")
        self.page.get_by_role("button", name="Cancel").click()
        self.state("Cancelled")
        self.assertIn("It was cancelled by", self.page.locator(".why").inner_text())
        self.page.get_by_role("button", name="Run again").click()
        self.page.wait_for_url(lambda other: "/runs/" in other and other != url)
        self.state("At work")
        self.page.get_by_role("button", name="Cancel").click()
        self.state("Cancelled")
        self.quiet()

    def test_a_job_is_paused_and_resumed(self):
        # Whatever goes wrong here: other tests find the job as it was.
        self.addCleanup(self.served.api, "/api/jobs/sales/resume", {})
        self.page.goto("/jobs/sales")
        self.page.get_by_role("button", name="Pause").click()
        self.page.locator(".states", has_text="Paused").wait_for()
        self.page.goto("/")
        self.assertIn("none while paused", self.row("sales").inner_text())
        self.page.goto("/jobs/sales")
        self.page.get_by_role("button", name="Resume").click()
        self.page.get_by_role("button", name="Pause").wait_for()
        self.assertNotIn("Paused", self.page.locator("main").inner_text())

    def test_a_backfill_works_through_its_days(self):
        self.page.goto("/jobs/days")
        self.page.locator("summary", has_text="Backfill …").click()
        self.page.get_by_label("From").fill("2026-11-02")
        self.page.get_by_label("To, included").fill("2026-11-04")
        self.page.get_by_label("Runs at a time").fill("2")
        self.page.get_by_role("button", name="Start the backfill").click()
        self.page.wait_for_url("**/backfills/*")
        self.state("Done")
        self.assertIn("3 of 3 done", self.page.locator(".progress").inner_text())
        self.page.goto("/jobs/days?year=2026")
        self.assertIn("3 of 5 days done", self.page.locator("#calendar").inner_text())
        self.assertEqual(self.page.locator("svg.calendar rect.good").count(), 3)

    def test_a_backfill_that_makes_no_sense_is_refused_with_a_reason(self):
        self.page.goto("/jobs/days")
        self.page.locator("summary", has_text="Backfill …").click()
        self.page.get_by_label("From").fill("2026-11-04")
        self.page.get_by_label("To, included").fill("2026-11-02")
        self.page.get_by_role("button", name="Start the backfill").click()
        self.page.get_by_role("heading", name="This is refused").wait_for()
        self.page.go_back()
        self.assertEqual(self.page.locator("h1").inner_text(), "days")

    def test_an_earlier_version_is_put_back(self):
        self.run_job("sales")
        self.run_job("sales")
        self.page.goto("/models?name=sales")
        rows = self.page.locator("table.versions tbody tr")
        current = rows.filter(has_text="Current").locator("th").inner_text()
        former = rows.filter(has_text="Former").first
        wanted = former.locator("th").inner_text()
        former.get_by_role("link", name="Roll back …").click()
        self.page.get_by_role("heading", name="Roll back?").wait_for()
        self.assertIn(wanted, self.page.locator("main").inner_text())
        self.page.get_by_role("button", name="Roll back").click()
        self.page.wait_for_url("**/models?name=sales")
        self.assertIn(wanted, self.page.locator("table.versions tr.current").inner_text())
        link = (self.served.base / "models/sales/current").readlink()
        self.assertEqual(link.name, wanted)
        self.assertNotEqual(current, wanted)

    def test_a_form_that_is_sent_twice_is_one_run(self):
        self.page.goto("/jobs/sales")
        key = self.page.locator("form[action='/jobs/sales/run'] input[name=key]").get_attribute("value")
        places = [
            self.page.request.post("/jobs/sales/run", form={"key": key, "p.day": "2026-11-26"}, headers={"origin": self.served.url}, max_redirects=0).headers["location"]
            for _ in range(2)
        ]
        self.assertEqual(places[0], places[1])

    def test_a_bad_file_is_shown_and_disappears_when_it_is_corrected(self):
        self.page.goto("/")
        self.page.get_by_text("Bad file:").first.wait_for()
        self.page.goto("/jobs/broken")
        self.assertIn("pipline", self.page.locator(".problem pre").inner_text())
        (self.served.base / "jobs/broken.yaml").write_text("pipeline: pipelines/sales.yaml\n")
        end = time.monotonic() + 20
        while self.page.locator(".problem pre").count() and time.monotonic() < end:
            time.sleep(0.2)
            self.page.wait_for_timeout(100)
        self.assertEqual(self.page.locator(".problem pre").count(), 0, "the page follows the file without being loaded again")
        (self.served.base / "jobs/broken.yaml").write_text("pipline: pipelines/sales.yaml\n")

    def test_the_list_is_filtered_while_one_types(self):
        self.page.goto("/")
        self.page.get_by_label("Find jobs").fill("learns for")
        visible = self.page.locator("#jobs tbody tr:visible")
        self.assertEqual(visible.count(), 1)
        self.assertIn("slow", visible.inner_text())
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**q=learns*")
        self.assertEqual(self.page.locator("#jobs tbody tr").count(), 1)

    def test_what_was_done_stands_in_the_audit(self):
        self.page.goto("/jobs/sales")
        self.page.get_by_role("button", name="Pause").click()
        self.page.get_by_role("button", name="Resume").click()
        self.page.get_by_role("button", name="Pause").wait_for()
        self.page.goto("/audit?subject=sales")
        table = self.page.locator("table.audit").inner_text()
        for words in ("pause", "resume", "session"):
            self.assertIn(words, table)

    def test_what_is_not_there_has_a_page_that_says_so(self):
        for path in ("/runs/20200101-000000-00000001", "/jobs/nothing", "/backfills/999", "/nowhere"):
            answer = self.page.goto(path)
            self.assertEqual(answer.status, 404, path)
            self.assertIn("There is no such page", self.page.locator("h1").inner_text())
            self.page.get_by_role("link", name="All jobs").wait_for()
