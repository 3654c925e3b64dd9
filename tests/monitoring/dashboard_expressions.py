#!/usr/bin/env python3
"""Prints the PromQL expressions of the Grafana dashboard, one a line, with its variables replaced.

    dashboard_expressions.py [--namespace RE] [--imagebuild RE] [--rate-interval 5m] [--range 1h]
                             [--always] [DASHBOARD.json]

--always leaves out what has series only where somebody asked for them: a size budget, a layer
that grew, or a build that failed. What is printed then has a value as soon as one image was built.
"""

import argparse
import json
import pathlib
import re

DASHBOARD = pathlib.Path(__file__).parents[2] / "manifests" / "monitoring" / "dashboard.json"
SOMETIMES = ("imagebuild_image_size_budget_bytes", "imagebuild_image_largest_growth_bytes",
             "imagebuild_layer_size_bytes", "imagebuild_build_failures_total")


def panels(dashboard):
    """Every panel, those inside folded rows as well."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard, variables):
    """(title of the panel, expression on one line); ValueError for a variable without a value."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            text = " ".join(target["expr"].split())
            for name, value in variables.items():
                text = re.sub(r"\$\{%s\}|\$%s\b" % (name, name), lambda _: value, text)
            if "$" in text:
                raise ValueError(f"{panel['title']}: a variable has no value: {text}")
            yield panel["title"], text


def default_variables(namespace=".*", imagebuild=".*", rate_interval="5m", time_range="1h"):
    return {"__rate_interval": rate_interval, "__range": time_range,
            "namespace": namespace, "imagebuild": imagebuild}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--namespace", default=".*", help="regular expression; default: all")
    parser.add_argument("--imagebuild", default=".*", help="regular expression; default: all")
    parser.add_argument("--rate-interval", default="5m")
    parser.add_argument("--range", default="1h")
    parser.add_argument("--always", action="store_true",
                        help="only expressions that have a value once an image was built")
    parser.add_argument("dashboard", nargs="?", type=pathlib.Path, default=DASHBOARD)
    arguments = parser.parse_args()
    dashboard = json.loads(arguments.dashboard.read_text())
    variables = default_variables(arguments.namespace, arguments.imagebuild,
                                  arguments.rate_interval, arguments.range)
    for _, text in expressions(dashboard, variables):
        if not (arguments.always and any(word in text for word in SOMETIMES)):
            print(text)


if __name__ == "__main__":
    main()
