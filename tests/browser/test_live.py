"""Pages follow what happens without being loaded again."""

from served import InBrowser


class Live(InBrowser):
    def setUp(self):
        super().setUp()
        self.log_in()

    def stays(self):
        """Leaves a mark on the window that a new load would wipe away."""
        self.page.evaluate("window.stays = true")

    def test_the_page_of_a_run_follows_it_to_its_end(self):
        self.run_job("sales", wait=None)
        self.stays()
        self.state("Succeeded")
        self.page.locator("#graph .node:is(.done, .cached)").first.wait_for()
        self.page.locator(".log li", has_text="ended with exit code 0").wait_for()
        self.assertTrue(self.page.evaluate("window.stays"))
        self.quiet()

    def test_the_graph_shows_what_is_at_work(self):
        self.run_job("slow", wait="At work")
        self.page.locator("#graph .node.working").wait_for()
        self.assertIn("at work", self.page.locator(".progress-line").inner_text())
        self.page.get_by_role("button", name="Cancel").click()
        self.state("Cancelled")

    def test_the_log_grows_is_searched_and_paused(self):
        self.run_job("slow", wait="At work")
        lines = self.page.locator(".log li")
        lines.filter(has_text="points").first.wait_for()
        before = lines.count()
        lines.nth(before).wait_for()
        self.page.get_by_role("button", name="Pause", exact=True).click()
        self.assertEqual(self.page.get_by_role("button", name="Go on").get_attribute("aria-pressed"), "true")
        self.page.get_by_label("Find in the log").fill("points")
        self.assertTrue(all("points" in text.lower() for text in self.page.locator(".log li:visible").all_inner_texts()))
        self.page.get_by_label("Find in the log").fill("")
        self.assertEqual(lines.filter(has_text="{").count(), 0, "each event is a sentence")
        self.page.get_by_role("button", name="Go on").click()
        self.page.get_by_role("button", name="Cancel").click()
        self.state("Cancelled")

    def test_the_list_of_jobs_follows_a_run_that_a_program_asked_for(self):
        self.page.goto("/")
        self.stays()
        self.served.api("/api/jobs/sales/run", {"parameters": {"day": "2026-11-05"}})
        self.row("sales").get_by_text("Succeeded").first.wait_for()
        self.assertTrue(self.page.evaluate("window.stays"))

    def test_a_page_says_when_the_server_is_gone_and_goes_on_when_it_is_back(self):
        self.page.goto("/")
        self.stays()
        self.served.stop()
        note = self.page.locator("#connection")
        note.filter(has_text="trying again").or_(note.filter(has_text="does not answer")).wait_for()
        self.served.start()
        # The session may be over: then the page for logging in comes. Else the note goes.
        self.page.locator("#connection:empty, input#token").first.wait_for(state="attached", timeout=30_000)
        self.trouble.clear()
