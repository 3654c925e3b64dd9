#!/usr/bin/env python3
"""Checks manifests/monitoring with promtool: that the rules load and do what rules/*.yaml say, that
every alert has a firing case and a runbook, that rules and dashboard only speak of metrics that the
operator has, and that every expression takes the maximum over replicas first.

In rules/*.yaml 200Mi stands for that many bytes, and $WEB for the labels of one image.
Exits with 77 where promtool or python3-yaml are missing.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is missing")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources stay as they are

import dashboard_expressions
import promql

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MONITORING = ROOT / "manifests" / "monitoring"
RUNBOOKS = ROOT / "docs" / "runbooks"

LABELS = {
    "namespace", "imagebuild", "platform", "origin", "line", "layer", "result", "trigger", "class",
    "reason", "phase", "le", "name", "controller", "method", "code", "version", "revision",
    "job", "instance",
}
WEB = 'namespace="shop", imagebuild="web", platform="linux/amd64"'


def plain_rules():
    """What the comment in prometheusrule.yaml tells users of plain Prometheus to do."""
    command = ["sed", "1,/^spec:/d; s/^  //", str(MONITORING / "prometheusrule.yaml")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def every_rule():
    for group in yaml.safe_load(plain_rules())["groups"]:
        yield from group["rules"]


def alerts():
    return {rule["alert"]: rule for rule in every_rule() if "alert" in rule}


def dashboard():
    return json.loads((MONITORING / "dashboard.json").read_text())


def dashboard_queries():
    return list(dashboard_expressions.expressions(dashboard(),
                                                  dashboard_expressions.default_variables()))


def emitted_metrics():
    """The names that stand in the operator's sources, and what a histogram makes of them."""
    pattern = re.compile(r'"((?:imagebuild|controller_runtime|workqueue|rest_client'
                         r'|leader_election)_[a-z0-9_]+)"')
    names = set()
    for source in (ROOT / "operator").rglob("*.cc"):
        names |= set(pattern.findall(source.read_text()))
    return names | {name + "_bucket" for name in names if name.endswith("_seconds")}


def expand(text):
    """Writes out the abbreviations of rules/*.yaml."""
    text = text.replace("$WEB", WEB)
    return re.sub(r"(\d+(?:\.\d+)?)Mi(?!B)", lambda m: f"{float(m.group(1)) * 2**20:.0f}", text)


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="imagebuild-monitoring-")
        cls.work = pathlib.Path(cls.folder.name)
        (cls.work / "imagebuild.rules.yaml").write_text(plain_rules())
        for cases in (HERE / "rules").glob("*.yaml"):
            (cls.work / cases.name).write_text(expand(cases.read_text()))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def expect_promtool(self, *arguments):
        code, output = promtool(*arguments)
        self.assertEqual(code, 0, output)


class Rules(Monitoring):
    def test_the_plain_file_is_the_spec_of_the_prometheusrule_and_loads(self):
        rule = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())
        self.assertEqual(rule["spec"], yaml.safe_load(plain_rules()))
        self.expect_promtool("check", "rules", "--lint-fatal", self.work / "imagebuild.rules.yaml")

    def test_the_cases_hold(self):
        for cases in sorted((HERE / "rules").glob("*.yaml")):
            with self.subTest(cases.name):
                self.expect_promtool("test", "rules", self.work / cases.name)

    def test_every_alert_has_a_case_that_fires_and_one_that_does_not(self):
        fires, rests = set(), set()
        for path in (HERE / "rules").glob("*.yaml"):
            for test in yaml.safe_load(path.read_text())["tests"]:
                for case in test.get("alert_rule_test", []):
                    (fires if case["exp_alerts"] else rests).add(case["alertname"])
        self.assertEqual(set(alerts()) - fires, set(), "no case fires")
        self.assertEqual(set(alerts()) - rests, set(), "no case rests")

    def test_every_alert_has_a_runbook_and_every_runbook_an_alert(self):
        self.assertEqual({path.stem for path in RUNBOOKS.glob("ImageBuild*.md")}, set(alerts()))
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertEqual(rule["annotations"]["runbook_url"],
                                 f"https://imagebuild.dev/runbooks/{name}")
                text = (RUNBOOKS / f"{name}.md").read_text()
                self.assertTrue(text.startswith(f"# {name}\n"))

    def test_every_alert_says_how_bad_it_is_and_whom_it_concerns(self):
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
                self.assertIn(rule["labels"]["concerns"], ("owner", "base", "operator"))
                self.assertEqual(set(rule["annotations"]),
                                 {"summary", "description", "runbook_url"})
                self.assertRegex(rule["annotations"]["summary"], r"^[A-Z][^{}]*\.$")

    def test_rules_stand_on_metrics_of_the_operator_and_on_earlier_rules(self):
        known = emitted_metrics()
        for rule in every_rule():
            texts = [rule["expr"]]
            for annotation in rule.get("annotations", {}).values():
                texts += re.findall(r"imagebuild[_:][a-z0-9_:]+", annotation)
            for text in texts:
                with self.subTest(rule.get("alert") or rule["record"], text=text):
                    self.assertEqual({name for name, _ in promql.metrics(text)} - known, set())
                    self.assertEqual(promql.labels(text) - LABELS, set())
            if "record" in rule:
                known.add(rule["record"])


class Dashboard(Monitoring):
    def test_every_expression_parses(self):
        rules = [{"record": f"dashboard:expression:{number}", "expr": text}
                 for number, (_, text) in enumerate(dashboard_queries())]
        path = self.work / "dashboard.rules.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
        self.expect_promtool("check", "rules", path)

    def test_every_expression_speaks_of_metrics_that_the_operator_has(self):
        known = emitted_metrics()
        texts = dashboard_queries()
        for variable in dashboard()["templating"]["list"]:
            if variable["type"] == "query":
                self.assertEqual(variable["query"]["query"], variable["definition"])
                selector = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
                self.assertEqual(selector.group(2), variable["name"])
                texts.append((variable["name"], selector.group(1)))
        for title, text in texts:
            with self.subTest(title, text=text):
                self.assertTrue(promql.metrics(text))
                self.assertEqual({name for name, _ in promql.metrics(text)} - known, set())
                self.assertEqual(promql.labels(text) - LABELS, set())

    def test_panels_are_distinct_do_not_overlap_and_follow_the_chosen_datasource(self):
        taken, ids = {}, set()
        for panel in dashboard_expressions.panels(dashboard()):
            with self.subTest(panel["title"]):
                self.assertNotIn(panel["id"], ids)
                ids.add(panel["id"])
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24)
                for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"])
                             for y in range(at["y"], at["y"] + at["h"])):
                    self.assertNotIn(cell, taken)
                    taken[cell] = panel["title"]
                if panel["type"] == "row":
                    continue
                self.assertTrue(panel["description"])
                for target in [panel, *panel["targets"]]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")
                references = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(references), len(set(references)))


class Runbooks(Monitoring):
    """What a page says at night has to work."""

    def commands(self):
        for path in sorted(RUNBOOKS.glob("ImageBuild*.md")):
            for line in re.sub(r"\|\n\s*", "| ", path.read_text()).splitlines():
                yield path.stem, line

    def test_every_query_parses_and_speaks_of_metrics_that_exist(self):
        known = emitted_metrics() | {"up"}
        known |= {rule["record"] for rule in every_rule() if "record" in rule}
        rules = []
        for page, line in self.commands():
            query = re.search(r"promql ([\"'])(.*?)\1(?:[`\s.]|$)", line)
            if query is None:
                continue
            text = query.group(2).replace("$NS", "shop").replace("$NAME", "web")
            rules.append({"record": f"runbook:query:{len(rules)}", "expr": text})
            with self.subTest(page, text=text):
                self.assertEqual({name for name, _ in promql.metrics(text)} - known, set())
                self.assertEqual(promql.labels(text) - LABELS, set())
        self.assertGreater(len(rules), 15)
        path = self.work / "runbooks.rules.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
        self.expect_promtool("check", "rules", path)

    def test_every_field_that_is_looked_at_is_in_the_schema(self):
        def properties(schema):
            for name, value in schema.get("properties", {}).items():
                yield name
                yield from properties(value)
            yield from properties(schema["items"]) if "items" in schema else ()

        crd = yaml.safe_load((ROOT / "crds/imagebuild.yaml").read_text())
        known = set(properties(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
        known |= {"metadata", "namespace", "name"}
        seen = 0
        for page, line in self.commands():
            if "get imagebuild" not in line:
                continue
            for text in re.findall(r"(?:jsonpath|custom-columns)='(.*?)'", line):
                text = re.sub(r"==\"\w+\"", "", text)
                for name in re.findall(r"(?<=[.@])\.?([a-zA-Z]+)", text):
                    with self.subTest(page, text=text):
                        self.assertIn(name, known)
                        seen += 1
        self.assertGreater(seen, 50)


class Replicas(unittest.TestCase):
    """Every replica serves the same gauges: whoever does not aggregate counts them twice."""

    def gauges_outside_max(self, text):
        return [name for name, aggregated in promql.metrics(text)
                if re.match(r"imagebuild_|leader_election_|workqueue_depth", name)
                and not name.endswith(("_total", "_bucket")) and not aggregated]

    def test_rules_take_the_maximum_first(self):
        for rule in every_rule():
            with self.subTest(rule.get("alert") or rule["record"]):
                expression = re.sub(r"absent\([^()]*\)", "", rule["expr"])
                self.assertEqual(self.gauges_outside_max(expression), [])

    def test_the_dashboard_takes_the_maximum_first(self):
        for title, text in dashboard_queries():
            with self.subTest(title):
                text = re.sub(r"and on \(job, instance\) \w+", "", text)  # selects, adds nothing
                self.assertEqual(self.gauges_outside_max(text), [])

    def test_what_does_not_is_found(self):
        self.assertEqual(self.gauges_outside_max("sum by (a) (imagebuild_ready{a='b'}) > max(x)"),
                         ["imagebuild_ready"])
        self.assertEqual(promql.metrics('x / on (a) group_left (b) rate(y_total{c="d"}[5m])'),
                         [("x", False), ("y_total", False)])
        self.assertEqual(promql.labels('x{a="b=c", d!~"e"} / on (f) y'), {"a", "d", "f"})


class Install(Monitoring):
    def test_kustomize_of_this_kubectl_renders_all_of_it(self):
        if not shutil.which("kubectl"):
            self.skipTest("kubectl is missing")
        done = subprocess.run(["kubectl", "kustomize", str(MONITORING)], check=True,
                              capture_output=True, text=True)
        objects = {item["kind"]: item for item in yaml.safe_load_all(done.stdout)}
        self.assertEqual(set(objects), {"ConfigMap", "PrometheusRule", "ServiceMonitor"})
        for item in objects.values():
            self.assertEqual(item["metadata"]["namespace"], "imagebuild-system")
        config = objects["ConfigMap"]
        self.assertEqual(config["metadata"]["name"], "imagebuild-dashboard")
        self.assertEqual(config["metadata"]["labels"]["grafana_dashboard"], "1")
        self.assertEqual(json.loads(config["data"]["imagebuild.json"]), dashboard())
        # kubectl apply keeps a copy in an annotation.
        self.assertLess(len(json.dumps(config)), 200_000)

    def test_the_monitor_finds_the_service_of_the_operator(self):
        monitor = yaml.safe_load((MONITORING / "servicemonitor.yaml").read_text())
        installed = yaml.safe_load_all((ROOT / "manifests/install/operator.yaml").read_text())
        service = next(item for item in installed if item["kind"] == "Service")
        for key, value in monitor["spec"]["selector"]["matchLabels"].items():
            self.assertEqual(service["metadata"]["labels"][key], value)
        endpoint = monitor["spec"]["endpoints"][0]
        self.assertIn(endpoint["port"], [port["name"] for port in service["spec"]["ports"]])
        self.assertTrue(endpoint["honorLabels"])

    def test_the_configuration_of_plain_prometheus_loads(self):
        config = yaml.safe_load((MONITORING / "plain/prometheus.yaml").read_text())
        scrape = config["scrape_configs"][0]
        self.assertTrue(scrape["honor_labels"])
        # Debian builds Prometheus without service discovery of Kubernetes.
        found = scrape.pop("kubernetes_sd_configs")
        self.assertEqual(found[0]["namespaces"]["names"], ["imagebuild-system"])
        scrape["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
        path = self.work / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self.expect_promtool("check", "config", path)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("skipped: promtool is missing (Debian package prometheus)")
        sys.exit(77)
    unittest.main()
