"""What the chart's tests share: rendering a chart to objects, and values as trees of keys.

Needs PyYAML and the program of tests/support/helm_render; without them a test ends with status 77,
which ctest shows as skipped.
"""
import copy
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: PyYAML is missing (Debian package python3-yaml)")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("IMAGEBUILD_BINARY_DIR", ROOT / "build/release"))
RENDERER = BINARIES / "tests/support/helm_render/helm_render"
OPERATOR = BINARIES / "operator/imagebuild-operator"
CHART = ROOT / "charts/imagebuild-operator"
RELEASE, NAMESPACE = "imagebuild-operator", "imagebuild-system"

if not RENDERER.exists():
    print(
        f"skipped: {RENDERER} was not built"
        " (it needs Go and Debian's Go libraries, see hack/lib/packages.sh)"
    )
    sys.exit(77)


class Refused(Exception):
    """The renderer's message."""


def run(chart, *arguments, values=None):
    """What the renderer prints for a chart; `values` is a dict over the chart's own."""
    command = [RENDERER, chart, *arguments]
    if values is not None:
        command += ["--values", "-"]
    done = subprocess.run(
        command,
        input=yaml.safe_dump(values) if values is not None else "",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return done.stdout


def rendered_text(values=None, *arguments, release=RELEASE, namespace=NAMESPACE):
    """Our chart. Strict: a template that names a key that values.yaml lacks fails."""
    return run(
        CHART, "--strict", "--name", release, "--namespace", namespace, *arguments, values=values
    )


def render(*arguments, **keywords):
    """The objects of our chart."""
    return load(rendered_text(*arguments, **keywords))


def load(text):
    return [
        document
        for document in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if document
    ]


def key_of(thing):
    """Kind, namespace and name, as text that sorts and reads well."""
    meta = thing["metadata"]
    return f"{thing['kind']} {meta.get('namespace', '')}/{meta['name']}"


def by_key(objects):
    found = {}
    for thing in objects:
        assert key_of(thing) not in found, f"two objects are {key_of(thing)}"
        found[key_of(thing)] = thing
    return found


def find(objects, kind, name=None):
    return next(o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"]))


def operator_of(objects):
    """The operator's container."""
    return find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]


def nested(path, value):
    """{"a": {"b": value}} for a.b."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def merge(below, above):
    """Values over values; maps merge, anything else replaces."""
    merged = copy.deepcopy(below)
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def at(tree, path):
    for name in path.split("."):
        tree = tree[name]
    return tree


def write_chart(folder, files):
    """A chart made of {path: text}; Chart.yaml unless it is among them."""
    files = {
        "Chart.yaml": "apiVersion: v2\nname: small\nversion: 1.2.3\nappVersion: '4.5'\n",
        **files,
    }
    for name, text in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


class TestCase(unittest.TestCase):
    maxDiff = None

    def temporary(self):
        folder = tempfile.TemporaryDirectory(prefix="imagebuild-chart-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def assert_refused(self, fragments, function, *arguments, **keywords):
        with self.assertRaises(Refused) as caught:
            function(*arguments, **keywords)
        for fragment in [fragments] if isinstance(fragments, str) else fragments:
            self.assertIn(fragment, str(caught.exception))


def main():
    unittest.main(verbosity=2)
