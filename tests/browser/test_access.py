"""Everybody can use it: by keyboard, on a phone, in the dark, on paper, without script, with a screen reader."""

import os
import pathlib

from served import InBrowser

CHECKS = (pathlib.Path(__file__).parent / "checks.js").read_text()
PICTURES = os.environ.get("PICTURES")


class Pages(InBrowser):
    """The pages that are looked at; each class looks in its own way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_id = cls.served.api("/api/jobs/sales/run", {"parameters": {"day": "2026-11-05"}})["run"]
        cls.served.api("/api/jobs/days/backfill", {"from": "2026-11-01", "to": "2026-11-02", "parallelism": 2})

    def setUp(self):
        super().setUp()
        self.log_in()

    def paths(self):
        return {
            "jobs": "/",
            "timeline": "/timeline",
            "job": "/jobs/sales",
            "partitions": "/jobs/days",
            "bad": "/jobs/broken",
            "run": f"/runs/{self.run_id}",
            "models": "/models",
            "backfill": "/backfills/1",
            "audit": "/audit",
            "missing": "/nowhere",
        }

    def each(self):
        for name, path in self.paths().items():
            self.page.goto(path)
            self.page.locator("h1").wait_for()
            for sheet in self.page.locator("details").all():
                sheet.evaluate("each => { each.open = true; }")
            if PICTURES:
                os.makedirs(PICTURES, exist_ok=True)
                self.page.screenshot(path=f"{PICTURES}/{name}-{self.width}-{self.scheme}.png", full_page=True)
            yield name

    def look(self):
        for name in self.each():
            found = self.page.evaluate(CHECKS)
            self.assertEqual(found, [], name)
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            self.assertLessEqual(wide, 0, f"{name} is wider than the window")


class Wide(Pages):
    def test_every_page_can_be_read_and_named(self):
        self.look()
        self.trouble = [each for each in self.trouble if "404" not in each]
        self.quiet()

    def test_the_first_stop_of_the_keyboard_leads_past_the_bar(self):
        self.page.goto("/jobs/sales")
        self.page.keyboard.press("Tab")
        self.assertEqual(self.page.evaluate("document.activeElement.textContent"), "Skip to the content")
        self.page.keyboard.press("Enter")
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "main")

    def test_the_keyboard_reaches_everything_and_is_seen_there(self):
        for name in self.each():
            self.page.evaluate("document.body.focus()")
            wanted = self.page.evaluate(
                "Array.from(document.querySelectorAll('a[href], button, input:not([type=hidden]), summary')).filter((each) => each.tabIndex >= 0 && each.checkVisibility()).length"
            )
            seen, hidden = set(), []
            for _ in range(wanted * 2 + 40):
                self.page.keyboard.press("Tab")
                at = self.page.evaluate(
                    """(() => {
                        const each = document.activeElement;
                        if (!each || each === document.body || each.tagName === "IFRAME") return null;
                        each.dataset.stop ??= String(Math.random());
                        const style = getComputedStyle(each);
                        const seen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || each.id === "main";
                        return [each.dataset.stop, seen, each.outerHTML.slice(0, 120), each.matches("a[href], button, input, summary")];
                    })()"""
                )
                if at is None:
                    continue
                if at[3]:
                    seen.add(at[0])
                if not at[1]:
                    hidden.append(at[2])
                if len(seen) >= wanted:
                    break
            self.assertEqual(hidden, [], f"{name}: the focus is not seen")
            self.assertGreaterEqual(len(seen), wanted, f"{name}: not everything is reached")

    def test_a_job_is_run_by_keyboard_alone(self):
        self.page.goto("/jobs/slow")
        self.walk("Run now")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/runs/*")
        self.walk("Cancel")
        self.page.keyboard.press("Enter")
        self.state("Cancelled")

    def test_the_timeline_is_walked_by_keyboard(self):
        for day in ("2026-11-06", "2026-11-07"):
            self.served.api("/api/jobs/sales/run", {"parameters": {"day": day}})
        self.page.goto("/timeline")
        lane = self.page.get_by_role("row").filter(has=self.page.get_by_role("link", name="sales", exact=True))
        runs = lane.locator(".track a")
        runs.nth(2).wait_for(state="attached")
        stops = [link.get_attribute("tabindex") for link in runs.all()]
        self.assertEqual(stops, ["-1"] * (len(stops) - 1) + ["0"], "a lane is one stop")
        lane.get_by_role("link", name="sales", exact=True).focus()
        at = "document.activeElement.getAttribute('href')"
        self.page.keyboard.press("Tab")
        self.assertEqual(self.page.evaluate(at), runs.last.get_attribute("href"))
        self.page.keyboard.press("Home")
        first = runs.first.get_attribute("href")
        self.assertEqual(self.page.evaluate(at), first)
        self.page.keyboard.press("ArrowLeft")
        self.assertEqual(self.page.evaluate(at), first, "there is nothing before the first")
        self.page.keyboard.press("ArrowRight")
        self.assertEqual(self.page.evaluate(at), runs.nth(1).get_attribute("href"))
        names = [node["name"]["value"] for node in self.tree() if node.get("role", {}).get("value") == "link"]
        self.assertGreaterEqual(sum("UTC" in name for name in names), 3, "the runs have names")
        self.page.keyboard.press("Home")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"**{first}")

    def tree(self):
        """What a screen reader is told."""
        return self.context.new_cdp_session(self.page).send("Accessibility.getFullAXTree")["nodes"]

    def walk(self, words):
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement.textContent.trim()") == words:
                return
        self.fail(f"the keyboard does not reach “{words}”")

    def test_nothing_moves_for_those_who_do_not_want_it(self):
        self.page.emulate_media(reduced_motion="reduce")
        self.page.goto("/")
        moving = self.page.evaluate("document.getAnimations().length")
        self.assertEqual(moving, 0)

    def test_on_paper_there_are_no_buttons(self):
        self.page.goto("/jobs/sales")
        self.page.emulate_media(media="print")
        self.assertFalse(self.page.get_by_role("button", name="Pause").is_visible())
        self.assertFalse(self.page.locator("nav.places").is_visible())
        self.assertTrue(self.page.locator("table.runs").is_visible() or self.page.get_by_text("No run yet").is_visible())

    def test_nothing_is_asked_of_other_machines_and_the_policy_is_strict(self):
        asked = []
        self.page.on("request", lambda request: asked.append(request.url))
        answer = self.page.goto("/")
        self.assertTrue(all(url.startswith(self.served.url) for url in asked), asked)
        policy = answer.headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertLess((self.page.locator("html").inner_html()).count("style="), 1)


class Phone(Pages):
    width, height = 390, 844

    def test_every_page_fits_a_phone(self):
        self.look()

    def test_what_is_pressed_is_large_enough(self):
        for name in self.each():
            small = self.page.evaluate(
                """Array.from(document.querySelectorAll("button, .button, summary.button, input:not([type=hidden]):not([type=checkbox])"))
                    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 24).map((each) => each.outerHTML.slice(0, 100))"""
            )
            self.assertEqual(small, [], name)


class Narrow(Pages):
    width, height = 320, 640

    def test_every_page_fits_the_narrowest_window(self):
        self.look()


class Dark(Pages):
    scheme = "dark"

    def test_every_page_can_be_read_in_the_dark(self):
        self.look()
        ground = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(ground, "rgb(20, 23, 28)")


class PhoneInTheDark(Phone):
    scheme = "dark"


class WithoutScript(InBrowser):
    script = False

    def test_everything_works_without_script(self):
        self.log_in(path="/jobs/sales")
        self.page.get_by_role("button", name="Pause").click()
        self.page.get_by_role("button", name="Resume").click()
        self.page.get_by_role("button", name="Pause").wait_for()
        self.page.locator("summary", has_text="Run …").click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.wait_for_url("**/runs/*")
        for _ in range(100):
            if self.page.locator(".title .badge", has_text="Succeeded").count():
                break
            self.page.wait_for_timeout(200)
            self.page.reload()
        self.assertIn("It ended well", self.page.locator("main").inner_text())
        self.page.goto("/timeline")
        self.page.locator(".track a").first.wait_for(state="attached")
        self.assertEqual(self.page.locator(".track a[tabindex]").count(), 0, "each run can be reached")
        self.page.get_by_role("button", name="Log out").click()
        self.page.wait_for_url("**/login*")
