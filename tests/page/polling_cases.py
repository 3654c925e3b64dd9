"""When the page asks for news, and when it gets none."""

from page_case import ROWS, PageCase


class PollingCases(PageCase):
    POLL = """
        const {poll} = await import('./poll.js');
        const timers = [], log = [];
        const environment = {
          document: Object.assign(new EventTarget(), {hidden: false}),
          setTimeout: (run, delay) => { timers.push({run, delay}); return timers.length; },
          clearTimeout: (id) => { if (id) timers[id - 1] = undefined; },
        };
        const pending = () => timers.filter((timer) => timer);
        const settle = () => new Promise((done) => setTimeout(done));
        const fire = async () => {
          const {run} = pending()[0];
          timers.length = 0;
          run();
          await settle();
        };
        const show = async (hidden) => {
          environment.document.hidden = hidden;
          environment.document.dispatchEvent(new Event('visibilitychange'));
          await settle();
        };
        """

    def test_polling_pauses_while_hidden_and_starts_at_once_when_shown(self):
        self.open_list()
        self.assertEqual(
            self.module(
                self.POLL
                + """
            let runs = 0;
            poll(async () => { runs += 1; }, 5000, environment);
            await settle();
            log.push([runs, pending().map(({delay}) => delay)]);
            await fire();
            log.push([runs, pending().length]);
            await show(true);
            log.push([runs, pending().length]);
            await show(false);
            log.push([runs, pending().length]);
            return log;"""
            ),
            [[1, [5000]], [2, 1], [2, 0], [3, 1]],
        )

    def test_polls_never_overlap_and_go_on_after_a_failure(self):
        self.open_list()
        self.assertEqual(
            self.module(
                self.POLL
                + """
            let runs = 0, finish;
            const task = () => { runs += 1; return new Promise((done) => { finish = done; }); };
            const now = poll(task, 5000, environment);
            now(); now();
            log.push(runs);
            finish(); await settle();
            log.push(runs, pending().length);
            await show(true);
            finish(); await settle();
            log.push(runs, pending().length);
            return log;"""
            ),
            [1, 2, 0, 2, 0],
        )

    def test_when_the_operator_does_not_answer_the_page_keeps_what_it_has_and_says_so(self):
        self.open_list()
        self.browser.call(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )
        try:
            self.browser.wait_for(
                "document.getElementById('updated').textContent.startsWith('Not updated')"
            )
            self.assertGreaterEqual(self.js(f"{ROWS}.length"), len(self.builds))
        finally:
            self.browser.call(
                "Network.emulateNetworkConditions",
                offline=False,
                latency=0,
                downloadThroughput=-1,
                uploadThroughput=-1,
            )
        self.browser.wait_for(
            "document.getElementById('updated').textContent.startsWith('Updated')"
        )
        self.forgive("ERR_INTERNET_DISCONNECTED")

    def test_without_javascript_the_page_says_that_it_needs_it(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.open(self.server.origin + "/")
            self.browser.wait_for(
                "document.querySelector('noscript')?.innerText.includes('needs JavaScript')"
            )
        finally:
            self.browser.call("Emulation.setScriptExecutionDisabled", value=False)
