"""Chart and kustomize install the same: every object of manifests/install, crds and
manifests/monitoring is what the chart makes of its defaults, but for the differences that
DIFFERENCES below names one by one. And the operator, if it was built, accepts every command line
that the chart writes.
"""
import copy
import json
import re
import subprocess
import tempfile
import unittest

from rendering import (
    CHART,
    NAMESPACE,
    OPERATOR,
    RELEASE,
    ROOT,
    TestCase,
    by_key,
    find,
    key_of,
    load,
    main,
    operator_of,
    render,
    yaml,
)
from values_tree import everything

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]

# Flags that the chart always writes, with the defaults that the operator has anyway.
STATED_DEFAULTS = [
    "--builder-image-pull-policy=IfNotPresent",
    "--log-level=info",
    "--workers=4",
    "--metrics-address=0.0.0.0:8080",
    "--max-concurrent-builds=10",
    "--max-concurrent-builds-per-namespace=0",
    "--leader-election-lease-duration=15s",
    "--leader-election-renew-deadline=10s",
    "--leader-election-retry-period=2s",
    "--pending-timeout=10m",
    "--pod-shape=auto",
    "--seccomp-profile=imagebuild/builder.json",
    "--builder-cpu-request=100m",
    "--builder-memory-request=128Mi",
]
# Flags for an operator outside the cluster, and those that CLI11 adds.
NOT_FOR_PODS = {"--kubeconfig", "--context"}


ELECT = "--leader-elect"
# Command lines that are refused, beside --builder-image: (arguments, what the message says).
REFUSED_FLAGS = [
    (["--builder-image="], "--builder-image: must not be empty"),
    (["--seccomp-profile="], "--seccomp-profile: must not be empty"),
    (["--watch-namespaces="], "--watch-namespaces: must not be empty"),
    # An empty value does not swallow what follows.
    (["--builder-cpu-request=", "--workers=0"], "--workers: Value 0 not in range"),
    (["--page="], "The following argument was not expected"),
    (
        ["--leader-election-retry-period=1s"],
        "--leader-election-retry-period requires --leader-elect",
    ),
    ([ELECT, "--leader-election-retry-period=often"], "--leader-election-retry-period: "),
    (
        [ELECT, "--leader-election-renew-deadline=15s"],
        "the renew deadline of 15s is not shorter than the lease duration of 15s",
    ),
    (
        [ELECT, "--leader-election-retry-period=9s"],
        "the renew deadline of 10s leaves no time to try again after a retry period of 9s",
    ),
    (["--builder-node-selector=pool"], "--builder-node-selector: not a label (KEY=VALUE): 'pool'"),
    (["--builder-node-selector=a b=c"], "--builder-node-selector: not a label"),
    (
        ["--builder-node-selector=pool=a", "--builder-node-selector=pool=b"],
        "no node has two values of the label 'pool'",
    ),
    (["--builder-tolerations=builds"], "--builder-tolerations: "),
    (['--builder-tolerations={"key": "a"}'], "--builder-tolerations: expected a list"),
    (
        ['--builder-tolerations=[{"operator": "Exists"}, {"effct": "NoSchedule"}]'],
        "--builder-tolerations: [1].effct: unknown field",
    ),
    (["--default-push-secret=Push Secret"], "'Push Secret' is not an object's name"),
    (["--metrics-address=[::]:8080"], "--metrics-address: '[::]:8080' is an IPv6 address"),
    (["--page", "--page-address=::1:8082"], "--page-address: '::1:8082' is an IPv6 address"),
    (["--max-concurrent-builds-per-namespace=-1"], "--max-concurrent-builds-per-namespace: "),
]


# --- the differences: each changes an object of kustomize's to what the chart makes ---


def helm_labels(thing):
    """Helm's usual labels, on every object."""
    labels = thing["metadata"].setdefault("labels", {})
    labels.setdefault("app.kubernetes.io/name", "imagebuild-operator")
    labels.update(
        {
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/part-of": "imagebuild",
            "app.kubernetes.io/version": VERSION,
            "helm.sh/chart": f"imagebuild-operator-{VERSION}",
        }
    )


def select_by_instance(thing):
    """Pods and what selects them carry the release's name, so that two releases do not mix."""
    spec = thing.get("spec", {})
    if thing["kind"] in ("Deployment", "DaemonSet"):
        spec["selector"]["matchLabels"]["app.kubernetes.io/instance"] = RELEASE
        spec["template"]["metadata"]["labels"]["app.kubernetes.io/instance"] = RELEASE
    elif thing["kind"] == "Service":
        spec["selector"]["app.kubernetes.io/instance"] = RELEASE
    elif thing["kind"] == "ServiceMonitor":
        spec["selector"]["matchLabels"]["app.kubernetes.io/instance"] = RELEASE


def keep(thing):
    """Helm's uninstall leaves the CRD, and the namespace if the chart made it."""
    if thing["kind"] in ("CustomResourceDefinition", "Namespace"):
        thing["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}


def images(thing):
    """Images have the chart's appVersion for a tag, and a pull policy that is not the tag's."""
    for container in (
        thing.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    ):
        container["image"] += f":{VERSION}"
        container["imagePullPolicy"] = "IfNotPresent"


def flags(thing):
    """The command line states the operator's defaults; its order does not matter."""
    if thing["kind"] == "Deployment":
        container = operator_of([thing])
        container["args"] = [
            f"--builder-image=imagebuild-builder:{VERSION}"
            if arg.startswith("--builder-image=")
            else arg
            for arg in container["args"]
        ] + STATED_DEFAULTS


DIFFERENCES = [helm_labels, select_by_instance, keep, images, flags]


def differ(thing):
    thing = copy.deepcopy(thing)
    for difference in DIFFERENCES:
        difference(thing)
    return comparable(thing)


def comparable(thing):
    if thing["kind"] == "Deployment":
        operator_of([thing])["args"].sort()
    return thing


# --- kustomize ---


def kustomized(folder):
    """What kustomize prints for folders that only list resources, as ours do."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = set(kustomization) - {"apiVersion", "kind", "resources"}
    assert not unknown, f"{folder}/kustomization.yaml has {unknown}: this test knows resources only"
    objects = []
    for resource in kustomization["resources"]:
        path = folder / resource
        objects += kustomized(path) if path.is_dir() else load(path.read_text())
    return objects


class Install(TestCase):
    def assert_same(self, ours, theirs):
        ours, theirs = by_key(map(comparable, ours)), by_key(map(differ, theirs))
        self.assertEqual(sorted(ours), sorted(theirs))
        for key, thing in theirs.items():
            with self.subTest(key):
                self.assertEqual(ours[key], thing)

    def test_the_chart_makes_what_kustomize_makes(self):
        self.assert_same(
            render({"namespace": {"create": True}}), kustomized(ROOT / "manifests/install")
        )

    def test_only_the_namespace_is_not_made_by_default(self):
        with_namespace, without = by_key(render({"namespace": {"create": True}})), by_key(render())
        self.assertEqual(set(with_namespace) - set(without), {f"Namespace /{NAMESPACE}"})
        for key, thing in without.items():
            self.assertEqual(thing, with_namespace[key])

    def test_the_real_kustomize_agrees_on_the_objects(self):
        try:
            done = subprocess.run(
                ["kubectl", "kustomize", ROOT / "manifests/install"],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            self.skipTest("there is no kubectl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(by_key(load(done.stdout)), by_key(kustomized(ROOT / "manifests/install")))

    def test_monitoring_is_that_of_the_manifests(self):
        folder = ROOT / "manifests/monitoring"
        generated = yaml.safe_load((folder / "kustomization.yaml").read_text())
        options, generator = generated["generatorOptions"], generated["configMapGenerator"][0]
        key, file = generator["files"][0].split("=")
        dashboard = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "data": {key: (folder / file).read_text()},
            "metadata": {
                "name": generator["name"],
                "namespace": generated["namespace"],
                "labels": options["labels"],
                "annotations": options["annotations"],
            },
        }
        theirs = [
            thing for file in generated["resources"] for thing in load((folder / file).read_text())
        ]
        on = {"enabled": True}
        ours = render(
            {"metrics": {"serviceMonitor": on, "prometheusRule": on, "grafanaDashboard": on}}
        )
        default = by_key(render())
        self.assert_same(
            [thing for thing in ours if key_of(thing) not in default], theirs + [dashboard]
        )
        json.loads(dashboard["data"][key])

    def test_files_in_the_chart_are_links_to_their_only_source(self):
        files = sorted((CHART / "files").iterdir())
        self.assertGreaterEqual(len(files), 4)
        for file in files:
            with self.subTest(file.name):
                self.assertTrue(file.is_symlink(), "a copy would go out of date")
                self.assertTrue(file.resolve().is_file())
                self.assertIn(ROOT, file.resolve().parents)
                self.assertNotIn(CHART, file.resolve().parents)

    def test_the_installer_puts_the_profile_where_the_operator_names_it(self):
        values = {
            "builder": {"seccompProfile": "a/b.json"},
            "profileInstaller": {"seccompRoot": "/k/seccomp"},
        }
        objects = render(values)
        pod = find(objects, "DaemonSet")["spec"]["template"]["spec"]
        self.assertEqual(pod["containers"][0]["command"][-1], "/seccomp/a/b.json")
        self.assertEqual(pod["volumes"][1]["hostPath"]["path"], "/k/seccomp")
        self.assertIn("--seccomp-profile=a/b.json", operator_of(objects)["args"])

    def test_every_flag_of_the_operator_is_reached_by_a_value(self):
        source = (ROOT / "operator/options.cc").read_text()
        flags_of_operator = set(re.findall(r'add_(?:option|flag)\(\s*"(--[a-z-]+)"', source))
        self.assertGreater(len(flags_of_operator), 20)
        written = set()
        for values in everything():
            written |= {
                arg.split("=")[0]
                for arg in operator_of(render(values))["args"]
                if arg.startswith("--")
            }
        self.assertEqual(flags_of_operator - NOT_FOR_PODS, written - {"--help"})


@unittest.skipUnless(OPERATOR.exists(), f"{OPERATOR} was not built")
class CommandLine(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="imagebuild-chart-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.ca = cls.folder.name + "/ca.crt"
        command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=ca -out"
        subprocess.run([*command.split(), cls.ca], capture_output=True, check=True)

    def start(self, args):
        """Exit status and message; 2 is a usage error, 1 that there is no cluster."""
        args = [re.sub("^--registry-ca=.*", f"--registry-ca={self.ca}", arg) for arg in args]
        done = subprocess.run(
            [OPERATOR, *args, "--kubeconfig=/nonexistent"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def test_the_operator_accepts_what_the_chart_writes(self):
        for values in [{}, *everything()]:
            args = [arg for arg in operator_of(render(values))["args"] if arg != "--help"]
            with self.subTest(args):
                status, message = self.start(args)
                self.assertEqual(status, 1, message)
                self.assertIn("/nonexistent", message)

    def test_a_request_of_nothing_takes_the_operators_default_away(self):
        none = {"builder": {"resources": {"requests": {"cpu": "", "memory": ""}}}}
        args = operator_of(render(none))["args"]
        self.assertIn("--builder-cpu-request=", args)
        self.assertIn("--builder-memory-request=", args)
        self.assertEqual(self.start(args)[0], 1)

    def test_each_file_of_values_is_accepted(self):
        for file in sorted((ROOT / "tests/chart/values").glob("*.yaml")):
            with self.subTest(file.name):
                args = operator_of(render(yaml.safe_load(file.read_text())))["args"]
                status, message = self.start(args)
                self.assertEqual(status, 1, message)

    def test_a_command_line_that_cannot_work_is_refused_before_anything_starts(self):
        for args, message in REFUSED_FLAGS:
            with self.subTest(args):
                status, told = self.start(["--builder-image=x", *args])
                self.assertEqual(status, 2, told)
                self.assertIn(message, told)

    def test_stated_defaults_are_the_operators(self):
        text = subprocess.run(
            [OPERATOR, "--help"], capture_output=True, text=True, check=True
        ).stdout
        shown = dict(re.findall(r"^  (--[a-z-]+) .*?=(\S+)", text, re.M))
        compared = 0
        for stated in STATED_DEFAULTS:
            flag, value = stated.split("=", 1)
            if flag in shown:
                self.assertEqual(value, shown[flag], flag)
                compared += 1
        self.assertGreaterEqual(compared, 6)


if __name__ == "__main__":
    main()
