"""values.yaml, its schema, the chart's README and the guide say the same, and the guide names the
operator's rights as manifests/install/rbac.yaml gives them.

IMAGEBUILD_ACCEPT=1 writes the README's table anew.
"""
import json
import os
import re

from rendering import CHART, ROOT, TestCase, at, load, main, run, yaml
from values_tree import DEFAULTS, KEYS, SCHEMA, comments, schema_of

GUIDE = (ROOT / "docs/guides/install.md").read_text()
RBAC = ROOT / "manifests/install/rbac.yaml"
TABLE = re.compile(
    r"(<!-- values: tests/chart writes this table -->\n).*?(<!-- end of values -->\n)", re.S
)


def rights_of(manifest):
    """(resources, names, verbs) of every rule of the ClusterRole and the Role."""
    return {
        (
            tuple(rule["resources"]),
            tuple(rule.get("resourceNames", ())),
            tuple(rule["verbs"]),
        )
        for document in yaml.safe_load_all(manifest)
        for rule in document.get("rules", ())
    }


def rights_told(guide):
    """The same, of the rows below "## Rights": `resource`, then names of objects, then verbs."""
    section = guide.split("\n## Rights\n")[1].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    told = set()
    for _, what, verbs, *_ in rows:
        resource, *names = re.findall(r"`([^`]+)`", what)
        told.add(((resource,), tuple(names), tuple(re.findall(r"[a-z]+", verbs))))
    return told


class Documents(TestCase):
    def test_values_and_schema_have_the_same_keys(self):
        def compare(values, schema, path):
            self.assertEqual(set(values), set(schema["properties"]), path or "values.yaml")
            self.assertIs(schema["additionalProperties"], False, path)
            for name, node in schema["properties"].items():
                if "description" not in node:
                    compare(values[name], node, f"{path}.{name}".lstrip("."))

        compare(DEFAULTS, SCHEMA, "")

    def test_every_key_is_described_by_its_comment(self):
        above = comments()
        for path in KEYS:
            with self.subTest(path):
                self.assertTrue(above.get(path), "there is no comment above it in values.yaml")
                self.assertEqual(schema_of(path)["description"], above[path])

    def test_the_readme_has_every_key_with_its_default(self):
        readme = CHART / "README.md"
        rows = ["| key | default | meaning |", "|---|---|---|"]
        for path in KEYS:
            default = json.dumps(at(DEFAULTS, path)).replace("|", "\\|")
            rows.append(f"| `{path}` | `{default}` | {comments()[path]} |")
        text = readme.read_text()
        expected = TABLE.sub(
            lambda match: match[1] + "\n" + "\n".join(rows) + "\n\n" + match[2], text
        )
        if os.environ.get("IMAGEBUILD_ACCEPT"):
            readme.write_text(expected)
            return
        self.assertEqual(text, expected, "IMAGEBUILD_ACCEPT=1 writes the table anew")
        self.assertIn("`replicaCount`", text)

    def test_the_guide_names_only_keys_that_there_are(self):
        named = set(re.findall(r"--set(?:-string)? ([a-zA-Z.]+)=", GUIDE))
        named |= {
            key
            for key in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)(?:[:=][^`]*)?`", GUIDE)
            if key.split(".")[0] in DEFAULTS
        }
        self.assertGreater(len(named), 15)
        for path in named:
            with self.subTest(path):
                at(DEFAULTS, path)

    def test_values_in_the_guide_are_accepted(self):
        blocks = re.findall(r"^```yaml\n# values\.yaml.*?\n(.*?)^```", GUIDE, re.M | re.S)
        self.assertGreater(len(blocks), 2)
        for block in blocks:
            with self.subTest(block):
                self.assertGreater(len(load(run(CHART, values=yaml.safe_load(block)))), 2)

    def test_the_guide_names_the_operators_rights_as_they_are(self):
        self.assertGreater(len(rights_told(GUIDE)), 5)
        self.assertEqual(rights_told(GUIDE), rights_of(RBAC.read_text()))


if __name__ == "__main__":
    main()
