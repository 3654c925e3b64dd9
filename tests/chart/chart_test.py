"""The chart's values: that each has an effect, what it is, and what is refused."""
import pathlib

from rendering import (
    CHART,
    NAMESPACE,
    TestCase,
    at,
    by_key,
    find,
    key_of,
    main,
    merge,
    nested,
    operator_of,
    render,
    rendered_text,
    run,
    yaml,
)
from values_tree import DEFAULTS, KEYS, changes, everything, groups, schema_of, switches

HERE = pathlib.Path(__file__).parent
FILES = {
    file.stem: yaml.safe_load(file.read_text()) for file in sorted((HERE / "values").glob("*.yaml"))
}
LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
CLUSTER_WIDE = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}

# Values that are refused: (values, what the message says).
REFUSED = [
    ({"replicaCount": 3, "leaderElection": {"enabled": False}}, "needs leaderElection.enabled"),
    (
        {"registries": {"ca": "-----BEGIN CERTIFICATE-----\n", "caConfigMap": {"name": "x"}}},
        "exclude each other",
    ),
    ({"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}}, "needs metrics.enabled"),
    (
        {"podDisruptionBudget": {"enabled": True, "minAvailable": 1, "maxUnavailable": 1}},
        "exclude each other",
    ),
    ({"page": {"service": {"enabled": True}}}, "page.service.enabled needs page.enabled"),
    (
        {"page": {"enabled": True, "service": {"enabled": True}}},
        "a page.address that is no loopback address",
    ),
    (
        {"page": {"enabled": True, "address": "localhost:8082", "service": {"enabled": True}}},
        "a page.address that is no loopback address",
    ),
    ({"builder": {"networkPolicy": {"enabled": True}}}, "needs its namespaces or watchNamespaces"),
    (
        {"metrics": {"prometheusRule": {"enabled": True, "disabled": ["NoSuchAlert"]}}},
        "no alert NoSuchAlert; there are",
    ),
    (
        {"metrics": {"prometheusRule": {"enabled": True, "overrides": {"Typo": {"for": "1m"}}}}},
        "no alert Typo",
    ),
    (
        {"metrics": {"prometheusRule": {"overrides": {"X": {"expression": "1"}}}}},
        "expression is not allowed",
    ),
    ({"replicaCount": -1}, "replicaCount"),
    ({"replicaCount": "two"}, "replicaCount: Invalid type"),
    ({"logLevel": "verbose"}, "logLevel"),
    ({"builder": {"podShape": "privileged"}}, "builder.podShape"),
    ({"builder": {"pendingTimeout": "soon"}}, "builder.pendingTimeout"),
    ({"builder": {"maxConcurrent": 1.5}}, "builder.maxConcurrent"),
    ({"builder": {"maxConcurrentPerNamespace": -1}}, "builder.maxConcurrentPerNamespace"),
    ({"builder": {"nodeSelector": {"pool": 1}}}, "builder.nodeSelector.pool"),
    ({"builder": {"tolerations": [{}, "builds"]}}, "builder.tolerations.1"),
    ({"leaderElection": {"leaseDuration": 15}}, "leaderElection.leaseDuration"),
    ({"leaderElection": {"retryPeriod": "2"}}, "leaderElection.retryPeriod"),
    ({"defaults": {"pushSecret": "Push Secret"}}, "defaults.pushSecret"),
    ({"page": {"address": "[::]:8082"}}, "page.address"),
    ({"builder": {"resources": {"limits": {"gpu": "1"}}}}, "gpu is not allowed"),
    (
        {"builder": {"resources": {"limits": {"memory": "1 GiB"}}}},
        "builder.resources.limits.memory",
    ),
    ({"builder": {"seccompProfile": "../../etc/passwd"}}, "builder.seccompProfile"),
    ({"registries": {"mirrors": ["docker.io=https://x"]}}, "registries.mirrors.0"),
    (
        {"registries": {"mirrors": [{"host": "docker.io", "url": "mirror:5000"}]}},
        "registries.mirrors.0.url",
    ),
    ({"registries": {"ca": "/etc/ssl/ca.pem"}}, "registries.ca"),
    ({"image": {"digest": "sha256:123"}}, "image.digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "image.pullPolicy"),
    ({"watchNamespaces": "team-a"}, "watchNamespaces: Invalid type"),
    ({"watchNamespaces": ["a", "a"]}, "watchNamespaces"),
    ({"watchNamespaces": ["Team A"]}, "watchNamespaces.0"),
    ({"metrics": {"port": 80}}, "metrics.port"),
    ({"podLabels": {"app.kubernetes.io/name": "other"}}, "podLabels"),
    ({"commonLabels": {"x": 1}}, "commonLabels.x"),
    ({"livenessProbe": {"httpGet": {"path": "/x"}}}, "httpGet is not allowed"),
    ({"fullnameOverride": "Not A Name"}, "fullnameOverride"),
    ({"image": None}, "image is required"),
]


def settled(values):
    return merge(DEFAULTS, values)


class Values(TestCase):
    def test_every_key_changes_what_is_rendered(self):
        before_by_switches = {}
        for path in KEYS:
            beside = switches(path)
            if str(beside) not in before_by_switches:
                before_by_switches[str(beside)] = rendered_text(beside)
            before = before_by_switches[str(beside)]
            for value in changes(path):
                with self.subTest(path, value=value):
                    self.assertNotEqual(at(settled(beside), path), value)
                    self.assertTrue(
                        rendered_text(merge(beside, nested(path, value))) != before,
                        "nothing changed",
                    )

    def test_every_key_can_be_changed_at_once(self):
        for values in everything():
            objects = by_key(render(values))
            self.assertGreater(len(objects), 10)

    def test_every_key_is_changed_by_the_files_that_change_everything(self):
        changed = [
            path
            for path in KEYS
            for values in everything()
            if at(settled(values), path) != at(DEFAULTS, path)
        ]
        alone = {
            "crds.enabled",
            "crds.keep",
            "leaderElection.enabled",
            "profileInstaller.enabled",
            "serviceAccount.create",
            "rbac.create",
            "rbac.aggregateClusterRoles",
            "metrics.enabled",
        }
        self.assertEqual(set(KEYS) - set(changed), alone)

    def test_a_key_set_to_null_is_refused_or_takes_the_default_away(self):
        for path in KEYS:
            values = merge(switches(path), nested(path, None))
            opaque = schema_of(path).get("type") == "object"
            with self.subTest(path):
                if opaque:
                    run(CHART, values=values)
                else:
                    self.assert_refused(
                        path.rsplit(".", 1)[-1] + " is required", run, CHART, values=values
                    )

    def test_an_unknown_key_is_refused_in_every_group(self):
        for group in groups():
            with self.subTest(group):
                self.assert_refused(
                    "noSuchKey is not allowed", render, nested(group + "noSuchKey", 1)
                )

    def test_values_that_make_no_sense_are_refused(self):
        for values, message in REFUSED:
            with self.subTest(message, values=values):
                self.assert_refused(message, render, values)

    def test_a_kubernetes_that_is_too_old_is_refused(self):
        self.assert_refused("needs Kubernetes >=1.20", render, {}, "--kube-version", "1.19.4")


class Objects(TestCase):
    def renderings(self):
        yield "defaults", render()
        yield "another name", render({}, release="x", namespace="y")
        for name, values in FILES.items():
            yield name, render(values)
        for number, values in enumerate(everything()):
            yield f"everything {number}", render({**values, "extraObjects": []})

    def test_every_object_has_the_recommended_labels_and_the_right_namespace(self):
        for name, objects in self.renderings():
            for thing in objects:
                with self.subTest(name, thing=key_of(thing)):
                    self.assertLessEqual(LABELS, set(thing["metadata"]["labels"]))
                    self.assertEqual(
                        "namespace" in thing["metadata"], thing["kind"] not in CLUSTER_WIDE
                    )

    def test_selectors_select_the_pods(self):
        for name, objects in self.renderings():
            pods = {
                o["kind"]: o["spec"]["template"]["metadata"]["labels"]
                for o in objects
                if o["kind"] in ("Deployment", "DaemonSet")
            }
            for thing in objects:
                spec = thing.get("spec", {})
                selector = spec.get("selector") or spec.get("podSelector") or {}
                selector = selector.get("matchLabels", selector)
                if thing["kind"] == "CustomResourceDefinition" or not selector:
                    continue
                if thing["metadata"]["name"].endswith("-builder"):
                    continue  # builder pods are the operator's
                with self.subTest(name, thing=key_of(thing)):
                    if thing["kind"] == "ServiceMonitor":
                        labels = find(objects, "Service")["metadata"]["labels"]
                    else:
                        labels = pods["DaemonSet" if thing["kind"] == "DaemonSet" else "Deployment"]
                    self.assertLessEqual(selector.items(), labels.items())

    def test_names_are_valid_however_long_the_release(self):
        for release in ("x", "imagebuild-operator", "x" * 53, "a-imagebuild-operator-" + "b" * 31):
            for thing in render(
                {"registries": {"ca": "-----BEGIN CERTIFICATE-----\n"}}, release=release
            ):
                name = thing["metadata"]["name"]
                with self.subTest(name):
                    self.assertLessEqual(len(name), 63)
                    self.assertRegex(name, r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")

    def test_two_releases_share_nothing_but_the_crd(self):
        one = by_key(render({}, release="one", namespace="a"))
        two = by_key(render({}, release="two", namespace="b"))
        self.assertEqual(
            set(one) & set(two), {"CustomResourceDefinition /imagebuilds.imagebuild.dev"}
        )

    def test_two_releases_in_a_namespace_do_not_select_each_others_pods(self):
        one, two = (
            find(render({}, release=release), "Deployment")["spec"] for release in ("one", "two")
        )
        self.assertFalse(
            one["selector"]["matchLabels"].items() <= two["template"]["metadata"]["labels"].items()
        )

    def test_common_and_own_labels_go_over_the_charts(self):
        objects = render(
            {
                "commonLabels": {"app.kubernetes.io/part-of": "platform", "team": "a"},
                "podLabels": {"team": "b"},
            }
        )
        for thing in objects:
            self.assertEqual(thing["metadata"]["labels"]["app.kubernetes.io/part-of"], "platform")
            self.assertEqual(thing["metadata"]["labels"]["team"], "a")
        self.assertEqual(
            find(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]["team"], "b"
        )

    def test_a_new_version_of_the_chart_alone_does_not_restart_pods(self):
        for kind in ("Deployment", "DaemonSet"):
            self.assertFalse(
                {"helm.sh/chart", "app.kubernetes.io/version"}
                & set(find(render(), kind)["spec"]["template"]["metadata"]["labels"])
            )

    def test_a_new_ca_bundle_restarts_the_operator(self):
        def annotations(text):
            values = {"registries": {"ca": f"-----BEGIN CERTIFICATE-----\n{text}\n"}}
            return find(render(values), "Deployment")["spec"]["template"]["metadata"]["annotations"]

        self.assertNotEqual(annotations("a"), annotations("b"))


class Files(TestCase):
    def test_one_namespace_needs_no_right_elsewhere(self):
        objects = render(FILES["one-namespace"])
        self.assertEqual([key_of(o) for o in objects if o["kind"] in CLUSTER_WIDE], [])
        rights = [o for o in objects if o["kind"] in ("Role", "RoleBinding")]
        self.assertEqual(
            [key_of(o) for o in rights],
            ["Role team-a/imagebuild-operator", "RoleBinding team-a/imagebuild-operator"],
        )
        self.assertEqual(
            rights[0]["rules"], find(render(), "ClusterRole", "imagebuild-operator")["rules"]
        )
        self.assertEqual(rights[1]["subjects"][0]["namespace"], NAMESPACE)
        self.assertIn("--watch-namespaces=team-a", operator_of(objects)["args"])
        self.assertNotIn("--leader-elect", operator_of(objects)["args"])
        self.assertEqual(find(objects, "Deployment")["spec"]["strategy"], {"type": "Recreate"})
        self.assertEqual(find(objects, "NetworkPolicy")["metadata"]["namespace"], "team-a")

    def test_a_private_registry_is_in_every_image(self):
        objects = render(FILES["private-registry"])
        operator, installer = (
            operator_of(objects),
            find(objects, "DaemonSet")["spec"]["template"]["spec"],
        )
        self.assertEqual(operator["image"], "registry.example.com/tools/imagebuild-operator:1.2.3")
        builder = "registry.example.com/tools/imagebuild-builder@sha256:" + "0123456789abcdef" * 4
        self.assertEqual(installer["containers"][0]["image"], builder)
        self.assertIn(f"--builder-image={builder}", operator["args"])
        self.assertEqual(installer["imagePullSecrets"], [{"name": "registry-pull"}])
        mirrors = [arg for arg in operator["args"] if arg.startswith("--registry-mirror")]
        self.assertEqual(
            mirrors,
            [
                "--registry-mirror=docker.io=https://mirror.example.com/docker",
                "--registry-mirror=docker.io=https://mirror2.example.com",
            ],
        )
        self.assertIn("--registry-ca=/etc/imagebuild/registry-ca/bundle.pem", operator["args"])
        volume = find(objects, "Deployment")["spec"]["template"]["spec"]["volumes"][0]
        self.assertEqual(volume["configMap"], {"name": "company-ca"})

    def test_the_page_is_reached_by_a_service_and_by_those_the_policy_names(self):
        values = FILES["page"]
        objects = render(values)
        ports = operator_of(objects)["ports"]
        self.assertIn({"name": "page", "containerPort": 9000}, ports)
        service = find(objects, "Service", "imagebuild-operator-page")
        self.assertEqual(
            service["spec"]["ports"], [{"name": "page", "port": 80, "targetPort": "page"}]
        )
        page = {
            "ports": [{"protocol": "TCP", "port": 9000}],
            "from": values["networkPolicy"]["pageFrom"],
        }
        self.assertIn(page, find(objects, "NetworkPolicy")["spec"]["ingress"])
        self.assertIn("--page-host=images.example.com", operator_of(objects)["args"])

    def test_nobody_is_let_in_to_a_page_that_the_policy_does_not_open_or_that_is_on_loopback(self):
        policy = {"enabled": True, "pageFrom": [{"podSelector": {}}]}
        closed = {"enabled": True, "pageFrom": []}
        for page, network in (
            ({"enabled": True, "address": "0.0.0.0:8082"}, closed),
            ({"enabled": True, "address": "127.0.0.1:8082"}, policy),
            ({"enabled": True, "address": "localhost:8082"}, policy),
            ({"enabled": False, "address": "0.0.0.0:8082"}, policy),
        ):
            with self.subTest(page=page, network=network):
                objects = render({"page": page, "networkPolicy": network})
                ingress = find(objects, "NetworkPolicy")["spec"]["ingress"]
                self.assertEqual([rule["ports"][0]["port"] for rule in ingress], [8080])

    def test_builder_pods_go_where_the_values_say(self):
        args = operator_of(render(FILES["build-nodes"]))["args"]
        self.assertIn("--builder-node-selector=pool=builds", args)
        self.assertIn("--builder-node-selector=kubernetes.io/arch=amd64", args)
        given = [arg.split("=", 1)[1] for arg in args if arg.startswith("--builder-tolerations=")]
        self.assertEqual(
            [yaml.safe_load(text) for text in given],
            [FILES["build-nodes"]["builder"]["tolerations"]],
        )
        self.assertIn("--max-concurrent-builds-per-namespace=3", args)
        self.assertIn("--default-push-secret=registry-push", args)

    def test_alerts_are_changed_left_out_and_point_to_the_own_runbooks(self):
        objects = render(FILES["monitoring"])
        rules = {
            rule["alert"]: rule
            for group in find(objects, "PrometheusRule")["spec"]["groups"]
            for rule in group["rules"]
            if "alert" in rule
        }
        everything_else = {
            rule["alert"]: rule
            for group in find(
                render({"metrics": {"prometheusRule": {"enabled": True}}}), "PrometheusRule"
            )["spec"]["groups"]
            for rule in group["rules"]
            if "alert" in rule
        }
        self.assertEqual(set(everything_else) - set(rules), {"ImageBuildStale"})
        changed = rules["ImageBuildSizeRegression"]
        self.assertEqual(
            (changed["for"], changed["expr"]), ("1m", "imagebuild:image_growth_bytes > 1024 * 1024")
        )
        self.assertEqual(
            changed["labels"], {"severity": "critical", "team": "builds", "concerns": "owner"}
        )
        for name, rule in rules.items():
            self.assertEqual(
                rule["annotations"]["runbook_url"], f"https://wiki.example.com/runbooks/{name}"
            )
            if name != "ImageBuildSizeRegression":
                self.assertEqual(
                    {**rule, "annotations": 0}, {**everything_else[name], "annotations": 0}
                )

    def test_a_disruption_budget_is_of_a_version_that_the_cluster_has(self):
        for version, api in (
            ("1.20.2", "policy/v1beta1"),
            ("v1.21.0-rc.1", "policy/v1"),
            ("1.33.1", "policy/v1"),
        ):
            budget = find(
                render(FILES["hardened"], "--kube-version", version), "PodDisruptionBudget"
            )
            self.assertEqual((budget["apiVersion"], budget["spec"]["maxUnavailable"]), (api, 1))

    def test_a_spread_constraint_selects_the_operators_pods_unless_it_says_otherwise(self):
        ours, own = render(
            {"topologySpreadConstraints": schema_of("topologySpreadConstraints")["examples"][0]}
        ), {"app": "x"}
        constraints = find(ours, "Deployment")["spec"]["template"]["spec"][
            "topologySpreadConstraints"
        ]
        selector = find(ours, "Deployment")["spec"]["selector"]
        self.assertEqual(
            [c["labelSelector"] for c in constraints], [selector, {"matchLabels": own}]
        )

    def test_extra_objects_are_templates(self):
        extra = [
            thing["metadata"]["name"]
            for thing in render({"extraObjects": changes("extraObjects")[0]})
            if thing["kind"] == "ConfigMap"
        ]
        self.assertEqual(
            extra, ["imagebuild-operator-extra", "imagebuild-operator-text", "imagebuild-seccomp"]
        )

    def test_the_crd_goes_with_the_release_only_if_keep_is_off(self):
        for keep in (True, False):
            crd = find(render({"crds": {"keep": keep}}), "CustomResourceDefinition")
            self.assertEqual(
                crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep",
                keep,
            )

    def test_the_notes_name_what_was_installed(self):
        def notes(values):
            return run(
                CHART,
                "--strict",
                "--name",
                "r",
                "--namespace",
                "n",
                "--show",
                "NOTES",
                values=values,
            )

        self.assertIn("deployment/r-imagebuild-operator", notes({}))
        self.assertIn("global.imageRegistry is not set", notes({}))
        self.assertNotIn("global.imageRegistry is not set", notes(FILES["private-registry"]))
        self.assertIn("for ImageBuilds in team-a", notes(FILES["one-namespace"]))
        self.assertIn("deletes every ImageBuild", notes({"crds": {"keep": False}}))
        for values in everything():
            notes(values)


if __name__ == "__main__":
    main()
