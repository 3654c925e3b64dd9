#!/usr/bin/env python3
"""The operator's page in a headless Chromium, over canned ImageBuilds.
page_test.py PAGE_SERVER [unittest arguments, such as -k treemap]"""

import sys
import unittest

from browser import find_chromium
from image_cases import ImageCases  # noqa: F401, unittest finds them here
from list_cases import ListCases  # noqa: F401
from looks_cases import LooksCases  # noqa: F401
from page_case import PageCase
from polling_cases import PollingCases  # noqa: F401
from safety_cases import SafetyCases  # noqa: F401

SKIPPED = 77


def main():
    if not find_chromium():
        print("skipped: there is no chromium on PATH (Debian package chromium)")
        return SKIPPED
    PageCase.start(sys.argv.pop(1))
    try:
        program = unittest.main(verbosity=2, exit=False)
    finally:
        PageCase.stop()
    # Finding nothing to run is no success.
    return 0 if program.result.wasSuccessful() and program.result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
