package main

// Templates, and what they see: .Values .Release .Chart .Capabilities .Files .Template, the
// functions of sprig and those of Helm.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/semver"
	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type release struct {
	Name, Namespace, Service string
	Revision                 int
	IsInstall, IsUpgrade     bool
}

type kubeVersion struct{ Version, Major, Minor string }

func (v kubeVersion) String() string     { return v.Version }
func (v kubeVersion) GitVersion() string { return v.Version }

type versionSet []string

func (s versionSet) Has(version string) bool {
	for _, known := range s {
		if known == version {
			return true
		}
	}
	return false
}

type capabilities struct {
	KubeVersion kubeVersion
	APIVersions versionSet
	HelmVersion struct{ Version string }
}

// What every Kubernetes of the last years serves; anything else needs --api-versions.
var usualVersions = versionSet{
	"v1", "apps/v1", "batch/v1", "autoscaling/v1", "networking.k8s.io/v1",
	"rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1", "coordination.k8s.io/v1",
	"events.k8s.io/v1", "scheduling.k8s.io/v1", "storage.k8s.io/v1",
	"admissionregistration.k8s.io/v1",
}

func makeCapabilities(kubernetes string, more []string) (capabilities, error) {
	version, err := semver.NewVersion(kubernetes)
	if err != nil {
		return capabilities{}, fmt.Errorf("--kube-version %s: %v", kubernetes, err)
	}
	c := capabilities{
		KubeVersion: kubeVersion{
			"v" + version.String(), fmt.Sprint(version.Major()), fmt.Sprint(version.Minor())},
		APIVersions: append(append(versionSet{}, usualVersions...), more...),
	}
	c.HelmVersion.Version = "v3.14.0"
	return c, nil
}

func checkKubeVersion(c *chart, have capabilities) error {
	if c.metadata.KubeVersion == "" {
		return nil
	}
	constraint, err := semver.NewConstraint(c.metadata.KubeVersion)
	if err != nil {
		return fmt.Errorf("Chart.yaml: kubeVersion %q: %v", c.metadata.KubeVersion, err)
	}
	if !constraint.Check(semver.MustParse(have.KubeVersion.Version)) {
		return fmt.Errorf("the chart needs Kubernetes %s, and this is %s",
			c.metadata.KubeVersion, have.KubeVersion)
	}
	return nil
}

// Rendered templates by path in the chart, partials (`_…`) left out.
type renderedFiles map[string]string

func render(c *chart, values map[string]interface{}, r release, caps capabilities, strict bool) (
	renderedFiles, error) {
	e := &engine{depth: map[string]int{}, missing: "missingkey=zero"}
	if strict {
		e.missing = "missingkey=error"
	}
	root := template.New("root").Option(e.missing)
	root.Funcs(e.functions(root))
	for _, name := range c.templateNames() {
		if _, err := root.New(path.Join(c.metadata.Name, name)).Parse(c.templates[name]); err != nil {
			return nil, err
		}
	}
	out := renderedFiles{}
	for _, name := range c.templateNames() {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		full := path.Join(c.metadata.Name, name)
		data := map[string]interface{}{
			"Values": values, "Release": r, "Chart": c.metadata, "Capabilities": caps,
			"Files": c.files, "Subcharts": map[string]interface{}{},
			"Template": map[string]interface{}{
				"Name": full, "BasePath": path.Join(c.metadata.Name, "templates")},
		}
		text, err := execute(root, full, data)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return out, nil
}

// text/template writes "<no value>" for a key that a map of any values lacks, whatever missingkey
// says.
func execute(t *template.Template, name string, data interface{}) (string, error) {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return "", err
	}
	return strings.ReplaceAll(out.String(), "<no value>", ""), nil
}

const maximumDepth = 1000

type engine struct {
	depth   map[string]int // of include, by template
	missing string
}

// functions are bound to t, because include and tpl look templates up in it.
func (e *engine) functions(t *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	// A chart must not depend on the machine that renders it.
	delete(all, "env")
	delete(all, "expandenv")
	for name, function := range dataFunctions {
		all[name] = function
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		if e.depth[name] >= maximumDepth {
			return "", fmt.Errorf("include %q: nested more than %d times", name, maximumDepth)
		}
		e.depth[name]++
		defer func() { e.depth[name]-- }()
		var out bytes.Buffer
		err := t.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		inner, err := t.Clone()
		if err != nil {
			return "", err
		}
		inner.Option(e.missing).Funcs(e.functions(inner))
		if inner, err = inner.New("tpl").Parse(text); err != nil {
			return "", err
		}
		return execute(inner, "tpl", data)
	}
	return all
}

var dataFunctions = template.FuncMap{
	"toYaml": func(value interface{}) (string, error) {
		out, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(out), "\n"), err
	},
	// As in Helm, what cannot be parsed is said in the value, since templates may test it.
	"fromYaml": func(text string) map[string]interface{} {
		value := map[string]interface{}{}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	},
	"fromYamlArray": func(text string) []interface{} {
		value := []interface{}{}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			value = []interface{}{err.Error()}
		}
		return value
	},
	"fromJson": func(text string) map[string]interface{} {
		value := map[string]interface{}{}
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	},
	"fromJsonArray": func(text string) []interface{} {
		value := []interface{}{}
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			value = []interface{}{err.Error()}
		}
		return value
	},
	"toJson": func(value interface{}) (string, error) {
		out, err := json.Marshal(value)
		return string(out), err
	},
	"required": func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, fmt.Errorf("%s", message)
		}
		return value, nil
	},
	"fail": func(message string) (string, error) { return "", fmt.Errorf("%s", message) },
	// There is no cluster: nothing is ever found.
	"lookup": func(apiVersion, kind, namespace, name string) map[string]interface{} {
		return map[string]interface{}{}
	},
	"getHostByName": func(string) string { return "" },
}
