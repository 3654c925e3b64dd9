"""Narrow screens, colours, and what a screen reader is told."""

from page_case import PageCase


class LooksCases(PageCase):
    def test_nothing_overflows_a_phone(self):
        for width in (320, 390, 768):
            self.browser.resize(width, 700)
            for where in (
                self.open_list,
                lambda: self.open_detail("shop/web"),
                lambda: self.open_detail("shop/hostile"),
                lambda: self.open_detail("shop/api"),
            ):
                where()
                self.assertLessEqual(self.js("document.documentElement.scrollWidth"), width)

    CONTRAST = """
        const channel = (value) => {
          const c = value / 255;
          return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        };
        const light = (colour) => {
          const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(channel);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
          return (x + 0.05) / (y + 0.05); };
        const behind = (element) => { for (let at = element; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if (!/, 0\\)$/.test(colour)) return colour;
        } };
        const low = [];
        for (const element of document.querySelectorAll('body *')) {
          const own = [...element.childNodes]
            .some((node) => node.nodeType === 3 && node.textContent.trim());
          if (!own || element.closest('svg, noscript, option')) continue;
          const value = ratio(getComputedStyle(element).color, behind(element));
          if (value < 4.5) low.push(`${element.outerHTML.slice(0, 80)}: ${value.toFixed(2)}`);
        }
        for (const text of document.querySelectorAll('svg text')) {
          let rect = text.previousElementSibling;
          while (rect && !rect.matches('rect')) rect = rect.previousElementSibling;
          const under = text.closest('.treemap') ? getComputedStyle(rect).fill : behind(text);
          const value = ratio(getComputedStyle(text).fill, under);
          if (value < 4.5) low.push(`${text.textContent}: ${value.toFixed(2)}`);
        }
        return low;"""

    def test_text_has_contrast_in_light_and_dark_which_differ(self):
        colours = {}
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            for where in (
                self.open_list,
                lambda: self.open_detail("shop/web"),
                lambda: self.open_detail("shop/api"),
            ):
                where()
                self.assertEqual(self.module(self.CONTRAST), [], scheme)
            colours[scheme] = self.js(
                "[getComputedStyle(document.body).backgroundColor,"
                "getComputedStyle(document.body).color]"
            )
        self.assertNotEqual(colours["light"], colours["dark"])
        self.assertEqual(colours["light"][0], "rgb(255, 255, 255)")

    def test_everything_that_can_be_used_has_a_name(self):
        for where in (
            self.open_list,
            lambda: self.open_detail("shop/web"),
            lambda: self.open_detail("shop/api"),
        ):
            where()
            nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
            named = ("link", "button", "searchbox", "combobox", "image", "region", "table")
            nameless = [
                node["role"]["value"]
                for node in nodes
                if not node["ignored"]
                and node.get("role", {}).get("value") in named
                and not node.get("name", {}).get("value")
            ]
            self.assertEqual(nameless, [])

    def test_on_a_phone_the_list_still_is_a_table_to_a_screen_reader(self):
        self.browser.resize(320, 700)
        self.open_list()
        roles = [
            node.get("role", {}).get("value")
            for node in self.browser.call("Accessibility.getFullAXTree")["nodes"]
        ]
        self.assertEqual(roles.count("row"), len(self.builds) + 1)
        self.assertGreaterEqual(roles.count("cell") + roles.count("gridcell"), 4 * len(self.builds))
