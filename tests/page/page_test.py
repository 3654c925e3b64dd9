#!/usr/bin/env python3
"""The operator's page in a headless Chromium, over canned ImageBuilds.
    page_test.py PAGE_SERVER [unittest arguments]"""

import json
import sys
import unittest

import canned
from browser import Browser, Server, find_chromium

SKIPPED = 77

ROWS = "document.querySelectorAll('.list tbody tr')"
NAMES = f"[...{ROWS}].map((row) => row.querySelector('a').textContent)"


class PageTest(unittest.TestCase):
    program = ""

    @classmethod
    def setUpClass(cls):
        cls.builds = [*canned.everything(), canned.hostile()]
        cls.server = Server(cls.program, cls.builds)
        cls.addClassCleanup(cls.server.close)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.resize(1100, 900)
        self.browser.prefer("light")
        self.browser.requests.clear()
        self.browser.problems.clear()

    def tearDown(self):
        self.browser.evaluate("0")  # takes in what was reported until now
        self.assertEqual(self.browser.problems, [], "the console is silent")
        foreign = [url for url in self.browser.requests if not url.startswith((self.server.origin + "/", "about:"))]
        self.assertEqual(foreign, [], "every request stays with the operator")

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

    # The list

    def test_every_imagebuild_has_a_row_the_largest_first(self):
        self.open_list()
        size = {build["metadata"]["namespace"] + "/" + build["metadata"]["name"]:
                build["status"].get("image", {}).get("sizeBytes", 0) for build in self.builds}
        names = self.js(NAMES)
        self.assertEqual(sorted(names), sorted(size))
        self.assertEqual([size[name] for name in names], sorted(size.values(), reverse=True))
        self.assertIn("12 images", self.js("document.querySelector('.summary').textContent"))

    def test_the_filter_keeps_rows_that_have_every_word(self):
        self.open_list()
        self.js("document.getElementById('filter').focus()")
        self.browser.call("Input.insertText", text="LADDER alpine")
        self.assertEqual(self.js(NAMES), ["ladder/1-node-alpine", "ladder/2-alpine"])
        self.browser.call("Input.insertText", text=" nothing")
        self.assertEqual(self.js(NAMES), [])
        self.assertIn("Nothing matches", self.js("document.querySelector('.more').textContent"))
        self.js("document.getElementById('filter').value = ''")
        self.js("document.getElementById('filter').dispatchEvent(new Event('input'))")

    def test_the_heads_sort_by_keyboard_too_and_say_so(self):
        self.open_list()
        self.js("[...document.querySelectorAll('th button')].find((b) => b.textContent === 'Change').focus()")
        self.browser.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r",
                          windowsVirtualKeyCode=13)
        self.assertEqual(self.js(NAMES)[:2], ["shop/web", "shop/hostile"])
        self.assertEqual(self.js("document.querySelector('[aria-sort]').textContent"), "Change")
        self.assertEqual(self.js("document.querySelector('[aria-sort]').ariaSort"), "descending")
        self.js("document.querySelector('[aria-sort] button').click()")
        self.assertEqual(self.js("document.querySelector('[aria-sort]').ariaSort"), "ascending")
        self.assertEqual(self.js(NAMES)[-3:], ["shop/api", "shop/legacy", "shop/mail"], "unknown stays last")

    def test_states_are_words_and_not_only_colours(self):
        self.open_list()
        badges = dict(self.js(f"[...{ROWS}].map((row) => [row.querySelector('a').textContent,"
                              "[...row.querySelectorAll('.badge')].map((badge) => badge.textContent).join()])"))
        self.assertEqual(badges["shop/web"], "Ready,Over budget")
        self.assertEqual(badges["shop/api"], "BuildFailed")
        self.assertEqual(badges["shop/worker"], "Ready,Building")
        self.assertEqual(badges["shop/legacy"], "Ready,Suspended")
        self.assertEqual(badges["shop/mail"], "Queued")

    def test_a_change_in_the_cluster_appears_by_itself(self):
        self.open_list()
        self.js("document.getElementById('filter').focus()")
        new = canned.failing()
        new["metadata"]["name"] = "newcomer"
        self.server.put(new)
        try:
            self.browser.wait_for(f"{NAMES}.includes('shop/newcomer')")
            self.assertEqual(self.js("document.activeElement.id"), "filter", "the focus stays")
        finally:
            self.server.delete("shop/newcomer")
        self.browser.wait_for(f"!{NAMES}.includes('shop/newcomer')")

    # One image

    def text_of(self, section):
        return self.js("[...document.querySelectorAll('section')].find((one) => "
                       f"one.querySelector('h2').textContent === '{section}')?.innerText")

    def test_the_row_leads_to_the_image_and_back_leads_to_the_list(self):
        self.open_list()
        self.js("[...document.querySelectorAll('.list a')].find((a) => a.textContent === 'shop/web').click()")
        self.browser.wait_for("document.querySelector('.treemap')")
        self.assertIn("shop/web", self.js("document.title"))
        self.js("history.back()")
        self.browser.wait_for(f"{ROWS}.length >= {len(self.builds)}")

    def test_it_says_what_grew_and_why(self):
        self.open_detail("shop/web")
        text = self.text_of("What grew and why")
        self.assertIn("+41.2 MiB since the image before", text)
        self.assertIn("Base image +1.4 MiB, own layers +39.8 MiB", text)
        self.assertIn("docker.io/library/node:alpine (" + canned.digest("docker.io/library/node:alpine")[7:19], text)
        lines = self.js("[...document.querySelectorAll('.changes li')].map((line) => line.textContent)")
        self.assertTrue(lines[0].startswith("+39.9 MiB layer 5 RUN pip install"), lines[0])
        self.assertIn("(Dockerfile:6)", lines[0])
        self.assertIn("new layer 7 RUN npm run build", lines[1])
        self.assertIn("by layers that are gone", text)
        self.assertIn("largest change: layer 5", self.js("document.querySelector('.message + .message').textContent"))

    def test_the_history_has_a_point_for_each_image_a_mark_for_each_failure_and_the_limits(self):
        self.open_detail("shop/web")
        self.assertEqual(self.js("document.querySelectorAll('.chart circle').length"), 7)
        self.assertEqual(self.js("document.querySelectorAll('.chart .failure').length"), 1)
        level = dict(self.js("[...document.querySelectorAll('.chart .limit')].map((line, i) => "
                             "[['baseline', 'size', 'growth'][i], Number(line.getAttribute('y1'))])"))
        self.assertLess(level["size"], level["growth"], "180 MiB stand above 171.35 MiB")
        self.assertLess(level["growth"], level["baseline"])
        last = self.js("Number([...document.querySelectorAll('.chart circle')].at(-1).getAttribute('cy'))")
        self.assertLess(last, level["size"], "the last image is over the budget")
        # Height above zero is proportional to bytes: zero is the last grid line's place.
        zero = self.js("Math.max(...[...document.querySelectorAll('.chart .grid')].map((l) => l.getAttribute('y1')))")
        self.assertAlmostEqual((zero - last) / (zero - level["baseline"]), 191.0 / 149.0, places=3)

    def areas(self):
        return self.js("[...document.querySelectorAll('.treemap rect[data-size]')].map((r) => ["
                       "Number(r.dataset.size), r.width.baseVal.value * r.height.baseVal.value, r.dataset.layer])")

    def test_the_treemaps_areas_are_proportional_to_sizes(self):
        self.open_detail("shop/web")
        layers = canned.grown()["status"]["image"]["platforms"][0]["layers"]
        for measure, field in (("unpacked", "uncompressedSizeBytes"), ("packed", "sizeBytes")):
            with self.subTest(measure):
                self.js("{const select = document.getElementById('measure'); "
                        f"select.value = '{measure}'; select.dispatchEvent(new Event('change'))}}")
                rectangles = self.areas()
                self.assertEqual(len(rectangles), 17 if measure == "unpacked" else 7)
                box = self.js("(({width, height}) => width * height)"
                              "(document.querySelector('.treemap svg').viewBox.baseVal)")
                total = sum(layer[field] for layer in layers)
                for size, area, _ in rectangles:
                    self.assertAlmostEqual(area / box, size / total, places=5)
                for index, layer in enumerate(layers, 1):
                    shown = sum(size for size, _, number in rectangles if int(number) == index)
                    self.assertEqual(shown, layer[field])

    def test_squarify_fills_any_box_without_overlap(self):
        worst = self.module("""
            const {squarify} = await import('./squarify.js');
            let seed = 7, worst = 0;
            const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
            for (let round = 0; round < 60; round += 1) {
              const box = {x: 3, y: 4, width: 10 + 900 * random(), height: 10 + 900 * random()};
              const items = Array.from({length: 1 + round}, () => ({size: Math.ceil(1e9 * random() ** 8)}));
              items.push({size: 0}, {size: undefined});
              const placed = squarify(items, box);
              if (placed.length !== items.length - 2) return `${placed.length} of ${items.length}`;
              const total = items.reduce((sum, {size}) => sum + (size ?? 0), 0);
              const all = box.width * box.height;
              for (const a of placed) {
                worst = Math.max(worst, Math.abs(a.width * a.height / all - a.item.size / total));
                worst = Math.max(worst, box.x - a.x, box.y - a.y, a.x + a.width - box.x - box.width,
                  a.y + a.height - box.y - box.height);
                for (const b of placed) {
                  const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
                  const high = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
                  if (a !== b) worst = Math.max(worst, Math.min(wide, high));
                }
              }
            }
            return [squarify([], {x: 0, y: 0, width: 1, height: 1}).length, worst];""")
        self.assertEqual(worst[0], 0)
        self.assertLess(worst[1], 1e-6)

    def test_layers_stand_in_a_table_with_line_instruction_size_change_and_waste(self):
        self.open_detail("shop/web")
        rows = self.js("[...document.querySelectorAll('section table')].find((one) => "
                       "one.caption.textContent.startsWith('Layers')).innerText.split('\\n')")
        text = " ".join(rows)
        self.assertTrue(rows[-1].endswith("new\t"), "a layer that the image before had not")
        for word in ("RUN pip install --no-cache-dir torch numpy && npm ci", "118.4 MiB", "+39.9 MiB", "12.5 MiB",
                     "−409.6 KiB", "±0 B"):
            self.assertIn(word, text)
        self.assertIn("libtorch_cpu.so", self.text_of("Layers"))
        self.assertIn("−27.5 MiB the layer keeps a cache: /app/node_modules/.cache (Dockerfile:6)",
                      self.text_of("Advice"))

    def test_another_platform_can_be_chosen(self):
        self.open_detail("shop/web")
        self.js("{const select = document.getElementById('platform'); select.value = 'linux/arm64'; select.focus();"
                "select.dispatchEvent(new Event('change'))}")
        self.assertEqual(len(self.areas()), 3)
        self.assertIn("87.4 MiB", self.text_of("Size"))
        self.assertIn("Not measured for this platform", self.text_of("What grew and why"))
        self.assertEqual(self.js("document.querySelectorAll('.treemap .grown').length"), 1, "the key's square")
        self.assertEqual(self.js("document.activeElement.id"), "platform", "the focus stays")

    def test_a_failure_shows_stage_line_and_the_end_of_the_log(self):
        self.open_detail("shop/api")
        text = self.text_of("Last failure")
        for word in ("BuildFailed", "RUN npm ci: exit status 1", "stage build", "Dockerfile:14", "ERESOLVE could not"):
            self.assertIn(word, text)

    def test_an_imagebuild_that_is_gone_is_said_to_be_gone(self):
        self.browser.open(self.server.origin + "/#/shop/nothing")
        self.browser.wait_for("document.body.innerText.includes('no such ImageBuild')")
        self.browser.evaluate("0")
        # The browser reports the 404 itself; it is the only thing it reports.
        self.assertTrue(self.browser.problems)
        self.assertTrue(all("404" in problem for problem in self.browser.problems), self.browser.problems)
        self.browser.open("about:blank")
        self.browser.evaluate("0")
        self.browser.problems.clear()

    # Hostile text

    def test_markup_in_any_field_is_text(self):
        self.open_detail("shop/hostile")
        self.browser.wait_for("document.querySelector('pre')")
        self.assertEqual(self.js("document.querySelector('pre').textContent"), canned.MARKUP)
        count = self.js(f"document.body.innerText.split({json.dumps(canned.MARKUP)}).length - 1")
        self.assertGreater(count, 7, "conditions, layer, path, advice, failure, tags, revision, trigger")
        for selector in ("main img", "main script", "main i", "main u", "main b"):
            self.assertIsNone(self.js(f"document.querySelector('{selector}')"), selector)
        self.assertIsNone(self.js("window.hacked ?? null"))
        self.open_list()
        self.assertIn("<i>BuildFailed</i>", self.js("document.body.innerText"))
        self.assertIsNone(self.js("document.querySelector('main i')"))

    def test_the_browser_refuses_inline_scripts_and_markup_from_text(self):
        self.open_list()
        self.assertEqual(self.module("""
            const script = document.createElement('script');
            try { script.textContent = 'window.hacked = 1'; document.body.append(script); } catch {}
            try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.hacked=1">'); }
            catch (error) { return [error.name, window.hacked ?? null]; }"""), ["TypeError", None])
        self.browser.evaluate("0")
        self.browser.problems.clear()  # the violations above, which the browser reports

    # Polling

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
        const fire = async () => { const {run} = pending()[0]; timers.length = 0; run(); await settle(); };
        const show = async (hidden) => {
          environment.document.hidden = hidden;
          environment.document.dispatchEvent(new Event('visibilitychange'));
          await settle();
        };
        """

    def test_polling_pauses_while_hidden_and_starts_at_once_when_shown(self):
        self.open_list()
        self.assertEqual(self.module(self.POLL + """
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
            return log;"""), [[1, [5000]], [2, 1], [2, 0], [3, 1]])

    def test_polls_never_overlap_and_go_on_after_a_failure(self):
        self.open_list()
        self.assertEqual(self.module(self.POLL + """
            let runs = 0, finish;
            const now = poll(() => { runs += 1; return new Promise((done) => { finish = done; }); }, 5000, environment);
            now(); now();
            log.push(runs);
            finish(); await settle();
            log.push(runs, pending().length);
            await show(true);
            finish(); await settle();
            log.push(runs, pending().length);
            return log;"""), [1, 2, 0, 2, 0])

    def test_when_the_operator_does_not_answer_the_page_keeps_what_it_has_and_says_so(self):
        self.open_list()
        self.browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1,
                          uploadThroughput=-1)
        try:
            self.browser.wait_for("document.getElementById('updated').textContent.startsWith('Not updated')")
            self.assertGreaterEqual(self.js(f"{ROWS}.length"), len(self.builds))
        finally:
            self.browser.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1,
                              uploadThroughput=-1)
        self.browser.wait_for("document.getElementById('updated').textContent.startsWith('Updated')")
        self.browser.problems.clear()  # the request that failed, which the browser reports

    # Looks

    def test_nothing_overflows_a_phone(self):
        for width in (320, 390, 768):
            self.browser.resize(width, 700)
            for where in (self.open_list, lambda: self.open_detail("shop/web"), lambda: self.open_detail("shop/hostile"),
                          lambda: self.open_detail("shop/api")):
                where()
                self.assertLessEqual(self.js("document.documentElement.scrollWidth"), width)

    CONTRAST = """
        const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
        const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(channel);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
          return (x + 0.05) / (y + 0.05); };
        const behind = (element) => { for (let at = element; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor; if (!/, 0\\)$/.test(colour)) return colour; } };
        const low = [];
        for (const element of document.querySelectorAll('body *')) {
          const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
          if (!own || element.closest('svg, noscript, option')) continue;
          const value = ratio(getComputedStyle(element).color, behind(element));
          if (value < 4.5) low.push(`${element.outerHTML.slice(0, 80)}: ${value.toFixed(2)}`);
        }
        for (const text of document.querySelectorAll('svg text')) {
          const rect = text.closest('.treemap') ? getComputedStyle(text.previousElementSibling.matches('rect')
            ? text.previousElementSibling : text.previousElementSibling.previousElementSibling).fill : behind(text);
          const value = ratio(getComputedStyle(text).fill, rect);
          if (value < 4.5) low.push(`${text.textContent}: ${value.toFixed(2)}`);
        }
        return low;"""

    def test_text_has_contrast_in_light_and_dark_which_differ(self):
        colours = {}
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            for where in (self.open_list, lambda: self.open_detail("shop/web"), lambda: self.open_detail("shop/api")):
                where()
                self.assertEqual(self.module(self.CONTRAST), [], scheme)
            colours[scheme] = self.js("[getComputedStyle(document.body).backgroundColor,"
                                      "getComputedStyle(document.body).color]")
        self.assertNotEqual(colours["light"], colours["dark"])
        self.assertEqual(colours["light"][0], "rgb(255, 255, 255)")

    def test_everything_that_can_be_used_has_a_name(self):
        for where in (self.open_list, lambda: self.open_detail("shop/web"), lambda: self.open_detail("shop/api")):
            where()
            nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
            named = ("link", "button", "searchbox", "combobox", "image", "region", "table")
            nameless = [node["role"]["value"] for node in nodes
                        if not node["ignored"] and node.get("role", {}).get("value") in named
                        and not node.get("name", {}).get("value")]
            self.assertEqual(nameless, [])

    def test_on_a_phone_the_list_still_is_a_table_to_a_screen_reader(self):
        self.browser.resize(320, 700)
        self.open_list()
        roles = [node.get("role", {}).get("value") for node in self.browser.call("Accessibility.getFullAXTree")["nodes"]]
        self.assertEqual(roles.count("row"), len(self.builds) + 1)
        self.assertGreaterEqual(roles.count("cell") + roles.count("gridcell"), 4 * len(self.builds))

    def test_without_javascript_the_page_says_that_it_needs_it(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.open(self.server.origin + "/")
            self.browser.wait_for("document.querySelector('noscript')?.innerText.includes('needs JavaScript')")
        finally:
            self.browser.call("Emulation.setScriptExecutionDisabled", value=False)


if __name__ == "__main__":
    if not find_chromium():
        print("skipped: there is no chromium on PATH (Debian package chromium)")
        sys.exit(SKIPPED)
    PageTest.program = sys.argv.pop(1)
    unittest.main(verbosity=2)
