"""Hostile text in an ImageBuild, and what the browser is forbidden."""

import json

import canned
from page_case import PageCase


class SafetyCases(PageCase):
    def test_markup_in_any_field_is_text(self):
        self.open_detail("shop/hostile")
        self.browser.wait_for("document.querySelector('pre')")
        self.assertEqual(self.js("document.querySelector('pre').textContent"), canned.MARKUP)
        count = self.js(f"document.body.innerText.split({json.dumps(canned.MARKUP)}).length - 1")
        self.assertGreater(
            count, 7, "conditions, layer, path, advice, failure, tags, revision, trigger"
        )
        for selector in ("main img", "main script", "main i", "main u", "main b"):
            self.assertIsNone(self.js(f"document.querySelector('{selector}')"), selector)
        self.assertIsNone(self.js("window.hacked ?? null"))
        self.open_list()
        self.assertIn("<i>BuildFailed</i>", self.js("document.body.innerText"))
        self.assertIsNone(self.js("document.querySelector('main i')"))

    def test_the_browser_refuses_inline_scripts_and_markup_from_text(self):
        self.open_list()
        self.assertEqual(
            self.module(
                """
            const script = document.createElement('script');
            try { script.textContent = 'window.hacked = 1'; document.body.append(script); } catch {}
            const markup = '<img src=x onerror="window.hacked=1">';
            try { document.body.insertAdjacentHTML('beforeend', markup); }
            catch (error) { return [error.name, window.hacked ?? null]; }"""
            ),
            ["TypeError", None],
        )
        self.forgive("requires 'Trusted")
