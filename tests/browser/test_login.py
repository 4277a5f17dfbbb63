"""Logging in and out."""

from served import InBrowser


class Login(InBrowser):
    def test_one_is_led_to_the_login_and_on_to_the_page_that_was_asked_for(self):
        self.page.goto("/jobs/sales")
        self.assertIn("/login", self.page.url)
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "token", "the field has the focus")
        self.page.keyboard.type(self.served.token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/jobs/sales")
        self.assertEqual(self.page.locator("h1").inner_text(), "sales")

    def test_a_wrong_token_is_refused_with_a_reason(self):
        self.page.goto("/login")
        self.page.get_by_label("Token").fill("wrong")
        self.page.get_by_role("button", name="Log in").click()
        problem = self.page.get_by_role("alert")
        problem.wait_for()
        self.assertIn("Not logged in", problem.inner_text())
        self.page.goto("/")
        self.assertIn("/login", self.page.url)

    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self):
        self.log_in()
        cookies = self.context.cookies()
        self.assertEqual(len(cookies), 1)
        self.assertTrue(cookies[0]["httpOnly"])
        self.assertEqual(cookies[0]["sameSite"], "Strict")
        self.assertEqual(self.page.evaluate("document.cookie"), "")

    def test_after_logging_out_nothing_is_shown(self):
        self.log_in()
        self.page.get_by_role("button", name="Log out").click()
        self.page.wait_for_url("**/login*")
        self.page.goto("/jobs/sales")
        self.assertIn("/login", self.page.url)

    def test_who_may_only_look_has_no_buttons_and_is_refused(self):
        self.log_in(self.served.reader, "/jobs/sales")
        self.page.wait_for_url("**/jobs/sales")
        self.assertEqual(self.page.get_by_role("button", name="Pause").count(), 0)
        self.assertIn("may only look", self.page.locator("header").inner_text())
        # As a browser sends a form: it asks for a page, so what is wrong comes as one.
        answer = self.page.request.post("/jobs/sales/pause", headers={"origin": self.served.url, "accept": "text/html"})
        self.assertEqual(answer.status, 403)
        self.assertIn("You may not do this", answer.text())
        self.assertIn("token", answer.text(), "it says what to do")
        self.assertIsNone(self.served.api("/api/jobs/sales").get("paused"))

    def test_a_form_of_another_site_does_nothing(self):
        self.log_in()
        answer = self.page.request.post("/jobs/sales/pause", headers={"origin": "http://evil.example"})
        self.assertEqual(answer.status, 403)
