"""What every test of the page shares: one server with the canned ImageBuilds, one browser, and the
rules that no test may break: the console stays silent, and no request leaves the operator."""

import unittest

import canned
from browser import Browser, Server

ROWS = "document.querySelectorAll('.list tbody tr')"
NAMES = f"[...{ROWS}].map((row) => row.querySelector('a').textContent)"


class PageCase(unittest.TestCase):
    builds = server = browser = None

    @staticmethod
    def start(program):
        PageCase.builds = [*canned.everything(), canned.hostile()]
        PageCase.server = Server(program, PageCase.builds)
        PageCase.browser = Browser()

    @staticmethod
    def stop():
        PageCase.browser.close()
        PageCase.server.close()

    def setUp(self):
        self.browser.call("Page.navigate", url="about:blank")
        self.browser.wait_for("location.href === 'about:blank'")
        self.browser.resize(1100, 900)
        self.browser.prefer("light")
        self.browser.requests.clear()
        self.browser.problems.clear()

    def tearDown(self):
        self.browser.evaluate("0")  # takes in what was reported until now
        self.assertEqual(self.browser.problems, [], "the console is silent")
        ours = (self.server.origin + "/", "about:")
        foreign = [url for url in self.browser.requests if not url.startswith(ours)]
        self.assertEqual(foreign, [], "every request stays with the operator")

    def forgive(self, word):
        """Forgets what the console said, which has to be about `word` and nothing else."""
        self.browser.evaluate("0")
        others = [problem for problem in self.browser.problems if word not in problem]
        self.assertEqual(others, [])
        self.browser.problems.clear()

    def js(self, expression):
        return self.browser.evaluate(expression)

    def module(self, body):
        """What `body`, an async function's, returns; it may import the page's modules."""
        return self.js("(async () => {" + body + "})()")

    def open_list(self):
        self.browser.open(self.server.origin + "/")
        self.browser.wait_for(f"{ROWS}.length >= {len(self.builds)}")

    def open_detail(self, key):
        self.browser.open(f"{self.server.origin}/#/{key}")
        self.browser.wait_for(f"document.querySelector('h1')?.textContent === '{key}'")

    def text_of(self, section):
        return self.js(
            "[...document.querySelectorAll('section')].find((one) => "
            f"one.querySelector('h2').textContent === '{section}')?.innerText"
        )

    def areas(self):
        return self.js(
            "[...document.querySelectorAll('.treemap rect[data-size]')].map((r) =>"
            " [Number(r.dataset.size), r.width.baseVal.value * r.height.baseVal.value,"
            " r.dataset.layer])"
        )
