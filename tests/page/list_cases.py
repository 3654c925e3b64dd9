"""The list of all ImageBuilds."""

import canned
from page_case import NAMES, ROWS, PageCase


class ListCases(PageCase):
    def test_every_imagebuild_has_a_row_the_largest_first(self):
        self.open_list()
        size = {
            build["metadata"]["namespace"]
            + "/"
            + build["metadata"]["name"]: build["status"].get("image", {}).get("sizeBytes", 0)
            for build in self.builds
        }
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
        self.js(
            "[...document.querySelectorAll('th button')].find((b) => b.textContent ==="
            " 'Change').focus()"
        )
        self.browser.call(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key="Enter",
            code="Enter",
            text="\r",
            windowsVirtualKeyCode=13,
        )
        self.assertEqual(self.js(NAMES)[:2], ["shop/web", "shop/hostile"])
        self.assertEqual(self.js("document.querySelector('[aria-sort]').textContent"), "Change")
        self.assertEqual(self.js("document.querySelector('[aria-sort]').ariaSort"), "descending")
        self.js("document.querySelector('[aria-sort] button').click()")
        self.assertEqual(self.js("document.querySelector('[aria-sort]').ariaSort"), "ascending")
        self.assertEqual(
            self.js(NAMES)[-3:], ["shop/api", "shop/legacy", "shop/mail"], "unknown stays last"
        )

    def test_states_are_words_and_not_only_colours(self):
        self.open_list()
        badges = dict(
            self.js(
                f"[...{ROWS}].map((row) => [row.querySelector('a').textContent,"
                "[...row.querySelectorAll('.badge')].map((badge) => badge.textContent).join()])"
            )
        )
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
