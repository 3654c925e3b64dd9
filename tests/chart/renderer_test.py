"""The renderer itself: that a chart means to it what it means to Helm."""
from rendering import TestCase, main, run, write_chart

NOTE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n"

# What a template makes of these values: (template, values, what is printed).
VALUES = {
    "text": "hello",
    "number": 3,
    "big": 1234567,
    "off": False,
    "list": ["a", "b"],
    "map": {"k": "v"},
    "nothing": "",
}
TEMPLATES = [
    ("{{ .Values.text | upper | quote }}", '"HELLO"'),
    ("{{ .Values.number }}", "3"),
    ("{{ .Values.big }}", "1.234567e+06"),  # numbers of values are floats in Helm, too
    ("{{ int .Values.big }}", "1234567"),
    ("{{ .Values.off | default true }}", "true"),
    ("{{ .Values.missing }}", ""),
    ('{{ .Values.missing | default "d" }}', "d"),
    ('{{ .Values.list | join "+" }}', "a+b"),
    ("{{ range $i, $e := .Values.list }}{{ $i }}{{ $e }}{{ end }}", "0a1b"),
    ("{{ toYaml .Values.map }}", "k: v"),
    ("{{ toYaml .Values.list | nindent 2 }}", "- a\n  - b"),
    ("{{ toJson .Values.map }}", '{"k":"v"}'),
    ('{{ (fromYaml "a: {b: 7}").a.b }}', "7"),
    ('{{ (fromYaml "") | len }}', "0"),
    (
        '{{ (fromYaml "a: [").Error }}',
        "error converting YAML to JSON: yaml: line 1: did not find expected node content",
    ),
    ('{{ fromYamlArray "[1, 2]" | len }}', "2"),
    ('{{ (fromJson `{"a": "b"}`).a }}', "b"),
    ("{{ fromJsonArray `[1, 2, 3]` | len }}", "3"),
    ('{{ required "text!" .Values.text }}', "hello"),
    ('{{ lookup "v1" "Secret" "" "x" | len }}', "0"),
    ('{{ tpl "{{ .Values.text }}/{{ include `part` . }}" . }}', "hello/part of small"),
    ('{{ include "part" . | upper }}', "PART OF SMALL"),
    ("{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }}", "r n Helm"),
    ("{{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Revision }}", "true false 1"),
    ("{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.AppVersion }}", "small 1.2.3 4.5"),
    ("{{ .Template.Name }}", "small/templates/t.yaml"),
    ('{{ .Files.Get "files/a.txt" }}', "one\n"),
    ('{{ .Files.Get "no" }}', ""),
    ('{{ .Files.Lines "files/b.txt" | join "+" }}', "two+three"),
    (
        '{{ range $path, $_ := .Files.Glob "files/*.txt" }}{{ $path }} {{ end }}',
        "files/a.txt files/b.txt",
    ),
    ('{{ (.Files.Glob "files/a*").AsConfig }}', "a.txt: |\n  one"),
    ("{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }}", "v1.20.2 20"),
    ('{{ .Capabilities.APIVersions.Has "apps/v1" }}', "true"),
    ('{{ .Capabilities.APIVersions.Has "x.io/v1/Thing" }}', "true"),
    ('{{ .Capabilities.APIVersions.Has "y.io/v1" }}', "false"),
    ('{{ semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version }}', "false"),
]

# --set over values: (flags, template, what is printed).
SETS = [
    (["--set", "text=x"], "{{ .Values.text }}", "x"),
    (["--set", "a.b.c=x"], "{{ .Values.a.b.c }}", "x"),
    (
        ["--set", "map.k2=2,number=4"],
        "{{ toJson .Values.map }} {{ .Values.number }}",
        '{"k":"v","k2":2} 4',
    ),
    (["--set", "list={x,y,3}"], "{{ toJson .Values.list }}", '["x","y",3]'),
    (["--set", "list={}"], "{{ toJson .Values.list }}", "[]"),
    (["--set", "list[1]=x,list[3].k=y"], "{{ toJson .Values.list }}", '["a","x",null,{"k":"y"}]'),
    (["--set", r"text=a\,b,number=5"], "{{ .Values.text }} {{ .Values.number }}", "a,b 5"),
    (
        ["--set", r"map.app\.kubernetes\.io/x=1"],
        "{{ toJson .Values.map }}",
        '{"app.kubernetes.io/x":1,"k":"v"}',
    ),
    (["--set", "text=a=b"], "{{ .Values.text }}", "a=b"),
    (["--set", "text=true"], "{{ kindOf .Values.text }}", "bool"),
    (["--set", "text=0755"], "{{ kindOf .Values.text }}", "string"),
    (["--set-string", "text=755"], "{{ kindOf .Values.text }}", "string"),
    (["--set", "map=null"], '{{ hasKey .Values "map" }}', "false"),
    (["--set", "map.k=null"], "{{ toJson .Values.map }}", "{}"),
    (["--set", "text=x", "--set", "text=y"], "{{ .Values.text }}", "y"),
    (["--is-upgrade"], "{{ .Release.IsInstall }} {{ .Release.IsUpgrade }}", "false true"),
]

# Templates that cannot be rendered: what the message says.
FAILURES = [
    ('{{ required "say what" .Values.nothing }}', ["small/templates/t.yaml:1:", "say what"]),
    ('a: 1\n{{ fail "no" }}', ["small/templates/t.yaml:2:", "no"]),
    ("\n\n{{ .Values.text.deeper }}", ["small/templates/t.yaml:3:", "deeper"]),
    ("\n{{ nosuch 1 }}", ["small/templates/t.yaml:2:", "nosuch"]),
    ("{{ if }}", ["small/templates/t.yaml:1", "missing value for if"]),
    ('{{ include "gone" . }}', ["small/templates/t.yaml:1:", "gone"]),
    ('{{ include "loop" . }}', ["nested more than 1000 times"]),
    ('{{ env "HOME" }}', ["env"]),
    ('{{ tpl "{{ .Values.text.x }}" . }}', ["small/templates/t.yaml:1:", "tpl:1:"]),
]

# Rendered text that is no object: what the message says.
DOCUMENTS = [
    ("a: [", ["small/templates/t.yaml: document 1 is not YAML"]),
    ("a: 1\na: 2", ["document 1", "already set"]),
    (NOTE + "  k: v\n---\nkind: Secret\nmetadata: {name: y}\n", ["document 2 lacks apiVersion"]),
    ("apiVersion: v1\nkind: Secret\n", ["lacks apiVersion, kind or metadata.name"]),
]

PARTS = """
{{- define "part" }}part of {{ .Chart.Name }}{{ end }}
{{- define "loop" }}{{ include "loop" . }}{{ end }}
"""


class Renderer(TestCase):
    def chart(self, template, **more):
        return write_chart(
            self.temporary(),
            {
                "templates/t.yaml": template,
                "templates/_parts.tpl": PARTS,
                "values.yaml": "",
                "files/a.txt": "one\n",
                "files/b.txt": "two\nthree\n",
                **more,
            },
        )

    def printed(self, template, *flags):
        chart = self.chart(template)
        flags = [
            "--name",
            "r",
            "--namespace",
            "n",
            "--kube-version",
            "1.20.2",
            "--api-versions",
            "x.io/v1/Thing",
            *flags,
        ]
        return run(chart, *flags, "--show", "templates/t.yaml", values=VALUES)

    def test_a_template_prints_what_it_prints_in_helm(self):
        for template, expected in TEMPLATES:
            with self.subTest(template):
                self.assertEqual(self.printed(template).strip(), expected.strip())

    def test_set_goes_over_files_and_null_takes_keys_away(self):
        for flags, template, expected in SETS:
            with self.subTest(flags):
                self.assertEqual(self.printed(template, *flags).strip(), expected)

    def test_null_takes_the_charts_default_away(self):
        chart = self.chart("{{ toJson .Values }}", **{"values.yaml": "a: 1\nm: {k: 1, l: 2}\n"})
        self.assertEqual(
            run(chart, "--show", "templates/t.yaml", values={"a": None, "m": {"k": None}}),
            '{"m":{"l":2}}\n',
        )

    def test_an_error_names_template_and_line(self):
        for template, fragments in FAILURES:
            with self.subTest(template):
                self.assert_refused(fragments, self.printed, template)

    def test_strict_refuses_a_value_that_nobody_set(self):
        self.assert_refused(
            ["t.yaml:1:", "missing"], self.printed, "{{ .Values.missing }}", "--strict"
        )

    def test_what_is_no_object_is_refused(self):
        for text, fragments in DOCUMENTS:
            with self.subTest(text):
                self.assert_refused(fragments, run, self.chart(text))

    def test_objects_come_in_the_order_of_installation(self):
        kinds = [
            "Deployment",
            "Thing",
            "CustomResourceDefinition",
            "Namespace",
            "ClusterRole",
            "ServiceAccount",
        ]
        text = "\n---\n".join(
            f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}" for kind in kinds
        )
        lines = run(self.chart(text)).splitlines()
        self.assertEqual(
            [line.split(": ")[1] for line in lines if line.startswith("kind")],
            [
                "Namespace",
                "ServiceAccount",
                "CustomResourceDefinition",
                "ClusterRole",
                "Deployment",
                "Thing",
            ],
        )
        self.assertEqual(lines[:2], ["---", "# Source: small/templates/t.yaml"])

    def test_notes_are_no_object_and_come_when_asked_for(self):
        chart = self.chart(
            NOTE + "  k: v\n",
            **{"templates/NOTES.txt": "Hello {{ .Release.Name }}: it's [not YAML"},
        )
        self.assertNotIn("Hello", run(chart))
        self.assertEqual(run(chart, "--show", "NOTES", "--name", "r"), "Hello r: it's [not YAML\n")

    def test_the_crds_folder_comes_when_asked_for(self):
        chart = self.chart("", **{"crds/c.yaml": "kind: {{ untouched }}\n"})
        self.assertEqual(run(chart), "")
        self.assertEqual(
            run(chart, "--include-crds"),
            "---\n# Source: small/crds/c.yaml\nkind: {{ untouched }}\n",
        )

    def test_values_that_the_schema_refuses_are_named(self):
        schema = """{"type": "object", "additionalProperties": false,
                     "properties": {"count": {"type": "integer"}}}"""
        chart = self.chart("", **{"values.schema.json": schema})
        self.assertEqual(run(chart, values={"count": 1}), "")
        self.assert_refused(["count: Invalid type", "small"], run, chart, values={"count": "x"})
        self.assert_refused("property m is not allowed", run, chart, "--set", "m=1")

    def test_a_chart_that_helm_would_treat_otherwise_is_refused(self):
        good = "apiVersion: v2\nname: small\nversion: 1.2.3\n"
        for files, fragment in [
            ({"Chart.yaml": good.replace("v2", "v1")}, "apiVersion"),
            ({"Chart.yaml": good + "dependencies: [{name: x}]\n"}, "dependencies"),
            ({"Chart.yaml": good + "type: library\n"}, "library"),
            ({"Chart.yaml": good.replace("1.2.3", "one")}, "version"),
            ({"Chart.yaml": good + "kubeVersion: '>=1.30.0'\n"}, "needs Kubernetes >=1.30.0"),
            ({"charts/x/Chart.yaml": good}, "charts/x/Chart.yaml"),
            ({".helmignore": "*\n"}, ".helmignore"),
            ({"values.yaml": "a: 1\na: 2\n"}, "values.yaml"),
        ]:
            with self.subTest(fragment):
                self.assert_refused(fragment, run, self.chart("", **files))
        self.assert_refused("no Chart.yaml", run, self.temporary())
        self.assert_refused("which chart", run, "--name=x")


if __name__ == "__main__":
    main()
