"""values.yaml as a list of keys, each with default, comment and schema; and how to change it."""
import json
import re

from rendering import CHART, at, merge, nested, yaml

TEXT = (CHART / "values.yaml").read_text()
DEFAULTS = yaml.safe_load(TEXT)
SCHEMA = json.loads((CHART / "values.schema.json").read_text())

# What a key needs so that it has an effect; the longest prefix counts.
SWITCHES = {
    "namespace.labels": {"namespace": {"create": True}},
    "leaderElection.enabled": {"replicaCount": 1},
    "registries.caConfigMap.key": {"registries": {"caConfigMap": {"name": "x"}}},
    "builder.networkPolicy": {
        "builder": {"networkPolicy": {"enabled": True}},
        "watchNamespaces": ["x"],
    },
    "builder.networkPolicy.enabled": {"watchNamespaces": ["x"]},
    "podDisruptionBudget": {"podDisruptionBudget": {"enabled": True}},
    "networkPolicy": {"networkPolicy": {"enabled": True}},
    "networkPolicy.pageFrom": {
        "networkPolicy": {"enabled": True},
        "page": {"enabled": True, "address": "0.0.0.0:8082"},
    },
    "page": {"page": {"enabled": True}},
    "page.service.enabled": {"page": {"enabled": True, "address": "0.0.0.0:8082"}},
    "page.service": {
        "page": {"enabled": True, "address": "0.0.0.0:8082", "service": {"enabled": True}}
    },
    "metrics.serviceMonitor": {"metrics": {"serviceMonitor": {"enabled": True}}},
    "metrics.prometheusRule": {"metrics": {"prometheusRule": {"enabled": True}}},
    "metrics.grafanaDashboard": {"metrics": {"grafanaDashboard": {"enabled": True}}},
}

# Keys that exclude the rest of a values file in which everything is changed.
ALONE = [
    "crds.enabled",
    "crds.keep",
    "leaderElection.enabled",
    "profileInstaller.enabled",
    "serviceAccount.create",
    "rbac.create",
    "rbac.aggregateClusterRoles",
    "metrics.enabled",
    "registries.caConfigMap.name",
    "registries.caConfigMap.key",
    "podDisruptionBudget.minAvailable",
    "extraArgs",
]


def schema_of(path):
    """The schema of a key, references resolved: what the key says goes over what it refers to."""
    node = SCHEMA
    for name in path.split("."):
        node = node["properties"][name]
    for part in node.get("allOf", []):
        node = {**SCHEMA["definitions"][part["$ref"].rsplit("/", 1)[1]], **node}
    return node


def keys(schema=SCHEMA, prefix=""):
    """The keys that a user sets: those whose schema has a description. Groups of keys have none."""
    for name, node in schema["properties"].items():
        if "description" in node:
            yield prefix + name
        else:
            yield from keys(node, prefix + name + ".")


def groups(schema=SCHEMA, prefix=""):
    yield prefix
    for name, node in schema["properties"].items():
        if "description" not in node:
            yield from groups(node, prefix + name + ".")


KEYS = list(keys())


def switches(path):
    """What to set beside a key; a group's own switch needs nothing but itself."""
    fitting = [prefix for prefix in SWITCHES if path == prefix or path.startswith(prefix + ".")]
    if not fitting or (path.endswith(".enabled") and path not in fitting):
        return {}
    return SWITCHES[max(fitting, key=len)]


def changes(path):
    """Values other than the default, all of them valid."""
    node, default = schema_of(path), at(DEFAULTS, path)
    if "examples" in node:
        return node["examples"]
    if "enum" in node:
        return [value for value in node["enum"] if value != default]
    if node["type"] == "boolean":
        return [not default]
    if node["type"] == "integer":
        return [default + 1]
    return ["changed"]


def everything():
    """Values that together change every key: nearly all, and what these had to leave out."""
    most, rest = {}, {}
    for path in KEYS:
        value = nested(path, changes(path)[0])
        if path.endswith(".enabled") and at(DEFAULTS, path) is False:
            value = nested(path, True)
        if path in ALONE:
            if path.startswith(("registries", "podDisruptionBudget", "extraArgs")):
                rest = merge(rest, value)
        else:
            most = merge(most, value)
    return [most, rest]


def comments():
    """The comment right above each key of values.yaml, by path; keys inside a value have none."""
    found, above, stack = {}, [], []
    for line in TEXT.splitlines():
        indent, text = len(line) - len(line.lstrip()), line.strip()
        if text.startswith("#"):
            above.append((indent, text[1:].strip()))
            continue
        key = re.match(r"([A-Za-z]\w*):( |$)", text)
        if key:
            while stack and stack[-1][0] >= indent:
                stack.pop()
            path = ".".join([name for _, name in stack] + [key[1]])
            stack.append((indent, key[1]))
            if path in KEYS:
                found[path] = " ".join(
                    comment for at_indent, comment in above if at_indent == indent
                )
        above = []
    return found
