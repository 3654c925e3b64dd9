"""One image: sizes, history, treemap, layers, failure."""

import canned
from page_case import ROWS, PageCase


class ImageCases(PageCase):
    def test_the_row_leads_to_the_image_and_back_leads_to_the_list(self):
        self.open_list()
        self.js(
            "[...document.querySelectorAll('.list a')].find((a) => a.textContent ==="
            " 'shop/web').click()"
        )
        self.browser.wait_for("document.querySelector('.treemap')")
        self.assertIn("shop/web", self.js("document.title"))
        self.js("history.back()")
        self.browser.wait_for(f"{ROWS}.length >= {len(self.builds)}")

    def test_it_says_what_grew_and_why(self):
        self.open_detail("shop/web")
        text = self.text_of("What grew and why")
        self.assertIn("+41.2 MiB since the image before", text)
        self.assertIn("Base image +1.4 MiB, own layers +39.8 MiB", text)
        self.assertIn(
            "docker.io/library/node:alpine ("
            + canned.digest("docker.io/library/node:alpine")[7:19],
            text,
        )
        lines = self.js(
            "[...document.querySelectorAll('.changes li')].map((line) => line.textContent)"
        )
        self.assertTrue(lines[0].startswith("+39.9 MiB layer 5 RUN pip install"), lines[0])
        self.assertIn("(Dockerfile:6)", lines[0])
        self.assertIn("new layer 7 RUN npm run build", lines[1])
        self.assertIn("by layers that are gone", text)
        self.assertIn(
            "largest change: layer 5",
            self.js("document.querySelector('.message + .message').textContent"),
        )

    def test_the_history_has_a_point_for_each_image_a_mark_for_each_failure_and_the_limits(self):
        self.open_detail("shop/web")
        self.assertEqual(self.js("document.querySelectorAll('.chart circle').length"), 7)
        self.assertEqual(self.js("document.querySelectorAll('.chart .failure').length"), 1)
        level = dict(
            self.js(
                "[...document.querySelectorAll('.chart .limit')].map((line, i) => "
                "[['baseline', 'size', 'growth'][i], Number(line.getAttribute('y1'))])"
            )
        )
        self.assertLess(level["size"], level["growth"], "180 MiB stand above 171.35 MiB")
        self.assertLess(level["growth"], level["baseline"])
        last = self.js(
            "Number([...document.querySelectorAll('.chart circle')].at(-1).getAttribute('cy'))"
        )
        self.assertLess(last, level["size"], "the last image is over the budget")
        # Height above zero is proportional to bytes: zero is the last grid line's place.
        zero = self.js(
            "Math.max(...[...document.querySelectorAll('.chart .grid')].map((l) =>"
            " l.getAttribute('y1')))"
        )
        self.assertAlmostEqual((zero - last) / (zero - level["baseline"]), 191.0 / 149.0, places=3)

    def test_the_treemaps_areas_are_proportional_to_sizes(self):
        self.open_detail("shop/web")
        layers = canned.grown()["status"]["image"]["platforms"][0]["layers"]
        for measure, field in (("unpacked", "uncompressedSizeBytes"), ("packed", "sizeBytes")):
            with self.subTest(measure):
                self.js(
                    "{const select = document.getElementById('measure'); "
                    f"select.value = '{measure}'; select.dispatchEvent(new Event('change'))}}"
                )
                rectangles = self.areas()
                self.assertEqual(len(rectangles), 17 if measure == "unpacked" else 7)
                box = self.js(
                    "(({width, height}) => width * height)"
                    "(document.querySelector('.treemap svg').viewBox.baseVal)"
                )
                total = sum(layer[field] for layer in layers)
                for size, area, _ in rectangles:
                    self.assertAlmostEqual(area / box, size / total, places=5)
                for index, layer in enumerate(layers, 1):
                    shown = sum(size for size, _, number in rectangles if int(number) == index)
                    self.assertEqual(shown, layer[field])

    def test_squarify_fills_any_box_without_overlap(self):
        self.open_list()
        worst = self.module(
            """
            const {squarify} = await import('./squarify.js');
            let seed = 7, worst = 0;
            const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
            for (let round = 0; round < 60; round += 1) {
              const box = {x: 3, y: 4, width: 10 + 900 * random(), height: 10 + 900 * random()};
              const items = Array.from({length: 1 + round},
                () => ({size: Math.ceil(1e9 * random() ** 8)}));
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
            return [squarify([], {x: 0, y: 0, width: 1, height: 1}).length, worst];"""
        )
        self.assertEqual(worst[0], 0)
        self.assertLess(worst[1], 1e-6)

    def test_layers_stand_in_a_table_with_line_instruction_size_change_and_waste(self):
        self.open_detail("shop/web")
        rows = self.js(
            "[...document.querySelectorAll('section table')].find((one) => "
            "one.caption.textContent.startsWith('Layers')).innerText.split('\\n')"
        )
        text = " ".join(rows)
        self.assertTrue(rows[-1].endswith("new\t"), "a layer that the image before had not")
        for word in (
            "RUN pip install --no-cache-dir torch numpy && npm ci",
            "118.4 MiB",
            "+39.9 MiB",
            "12.5 MiB",
            "−409.6 KiB",
            "±0 B",
        ):
            self.assertIn(word, text)
        self.assertIn("libtorch_cpu.so", self.text_of("Layers"))
        self.assertIn(
            "−27.5 MiB the layer keeps a cache: /app/node_modules/.cache (Dockerfile:6)",
            self.text_of("Advice"),
        )

    def test_another_platform_can_be_chosen(self):
        self.open_detail("shop/web")
        self.js(
            "{const select = document.getElementById('platform'); select.value = 'linux/arm64';"
            " select.focus();select.dispatchEvent(new Event('change'))}"
        )
        self.assertEqual(len(self.areas()), 3)
        self.assertIn("87.4 MiB", self.text_of("Size"))
        self.assertIn("Not measured for this platform", self.text_of("What grew and why"))
        self.assertEqual(
            self.js("document.querySelectorAll('.treemap .grown').length"), 1, "the key's square"
        )
        self.assertEqual(self.js("document.activeElement.id"), "platform", "the focus stays")

    def test_a_failure_shows_stage_line_and_the_end_of_the_log(self):
        self.open_detail("shop/api")
        text = self.text_of("Last failure")
        for word in (
            "BuildFailed",
            "RUN npm ci: exit status 1",
            "stage build",
            "Dockerfile:14",
            "ERESOLVE could not",
        ):
            self.assertIn(word, text)

    def test_an_imagebuild_that_is_gone_is_said_to_be_gone(self):
        self.browser.open(self.server.origin + "/#/shop/nothing")
        self.browser.wait_for("document.body.innerText.includes('no such ImageBuild')")
        self.browser.open("about:blank")  # no more polls
        self.forgive("404")
