#!/usr/bin/env python3
"""The operator's page as a user of port-forward sees it: page.py ORIGIN NAMESPACE/NAME STATUS_JSON.
The numbers on it are those of the status, and nothing is asked of anybody else."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "page"))
from browser import Browser  # noqa: E402

origin, key = sys.argv[1], sys.argv[2]
image = json.loads(sys.argv[3])["image"]
layers = image["platforms"][0]["layers"]
browser = Browser()
try:
    browser.open(f"{origin}/")
    row = f"[...document.querySelectorAll('.list tbody tr')].find((row) => row.querySelector('a').textContent === '{key}')"
    browser.wait_for(row)
    text = browser.evaluate(f"{row}.innerText")
    size = f"{image['sizeBytes'] / (1 << 20):.1f} MiB"
    assert size in text.replace("\u00a0", " "), f"the list does not say {size}: {text}"
    browser.evaluate(f"{row}.querySelector('a').click()")
    browser.wait_for(f"document.querySelector('h1')?.textContent === '{key}'")
    browser.wait_for("document.querySelector('.treemap rect[data-size]')")
    detail = browser.evaluate("document.body.innerText").replace("\u00a0", " ")
    largest = max(layers, key=lambda layer: layer.get("deltaBytes", 0))
    for part in (image["digest"][7:19], "What grew and why", f"(Dockerfile:{largest['line']})"):
        assert part in detail, f"the page of the image does not say {part}:\n{detail}"
    areas = browser.evaluate(
        "[...document.querySelectorAll('.treemap rect[data-size]')].map((r) => Number(r.dataset.layer))"
    )
    with_content = {i + 1 for i, layer in enumerate(layers) if layer.get("uncompressedSizeBytes", 0) > 1 << 20}
    assert with_content <= set(areas), f"the treemap lacks layers: {sorted(with_content - set(areas))}"
    assert browser.problems == [], f"the console says {browser.problems}"
    foreign = [url for url in browser.requests if not url.startswith((origin + "/", "about:"))]
    assert foreign == [], f"asked elsewhere: {foreign}"
finally:
    browser.close()
