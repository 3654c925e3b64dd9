#!/usr/bin/env python3
"""Pictures of the operator's page for the documentation; hack/screenshots calls it.
    screenshots.py PAGE_SERVER FOLDER"""

import pathlib
import sys

import canned
from browser import Browser, Server

LARGEST = 150_000  # bytes of a picture that may be committed

# name, fragment, colours, width, section (None: from the top, at most 860 high)
PICTURES = [
    ("page-list", "/", "light", 1000, None),
    ("page-image", "/shop/web", "light", 1000, None),
    ("page-layers", "/shop/web", "dark", 860, "Layers"),
    ("page-failure", "/shop/api", "light", 390, None),
]


def shoot(browser, server, fragment, scheme, width, section):
    browser.resize(width, 860)
    browser.prefer(scheme)
    browser.open(f"{server.origin}/#{fragment}")
    browser.wait_for("document.querySelector('main h1')")
    # A time of day would differ in every picture.
    browser.evaluate("document.getElementById('updated').textContent = 'Updated 10:00:00 AM'")
    top, height = 0, min(860, browser.evaluate("document.documentElement.scrollHeight"))
    if section:
        top, height = browser.evaluate(
            "(() => { const box = [...document.querySelectorAll('section')].find((one) => "
            f"one.querySelector('h2').textContent === '{section}').getBoundingClientRect();"
            "return [box.top - 16, Math.min(box.height + 16, 860)]; })()"
        )
    return browser.screenshot(x=0, y=top, width=width, height=height)


def main(program, folder):
    server = Server(program, canned.everything())
    browser = Browser()
    try:
        for name, *picture in PICTURES:
            png = shoot(browser, server, *picture)
            if len(png) > LARGEST:
                raise SystemExit(f"{name}.png has {len(png)} bytes, more than {LARGEST}")
            (pathlib.Path(folder) / f"{name}.png").write_bytes(png)
            print(f"{name}.png: {len(png)} bytes")
    finally:
        browser.close()
        server.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
