package main

// A chart's folder in memory. Symbolic links are followed, as Helm does when it loads or packages
// a folder.

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/Masterminds/semver"
	"github.com/gobwas/glob"
	"sigs.k8s.io/yaml"
)

// metadata is Chart.yaml, and what templates see as .Chart.
type metadata struct {
	APIVersion   string            `json:"apiVersion"`
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	AppVersion   string            `json:"appVersion"`
	KubeVersion  string            `json:"kubeVersion"`
	Type         string            `json:"type"`
	Description  string            `json:"description"`
	Home         string            `json:"home"`
	Icon         string            `json:"icon"`
	Keywords     []string          `json:"keywords"`
	Sources      []string          `json:"sources"`
	Maintainers  []interface{}     `json:"maintainers"`
	Annotations  map[string]string `json:"annotations"`
	Dependencies []interface{}     `json:"dependencies"`
	IsRoot       bool              `json:"-"`
}

// files is what templates see as .Files: everything that has no other purpose in the chart.
type files map[string][]byte

func (f files) GetBytes(name string) []byte { return f[name] }
func (f files) Get(name string) string      { return string(f[name]) }
func (f files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}

// Glob: `*` stops at a slash, `**` does not.
func (f files) Glob(pattern string) (files, error) {
	compiled, err := glob.Compile(pattern, '/')
	if err != nil {
		return nil, fmt.Errorf("Files.Glob %q: %v", pattern, err)
	}
	found := files{}
	for name, content := range f {
		if compiled.Match(name) {
			found[name] = content
		}
	}
	return found, nil
}

// AsConfig and AsSecrets: the data of a ConfigMap or Secret, by base name.
func (f files) AsConfig() string {
	data := map[string]string{}
	for name, content := range f {
		data[filepath.Base(name)] = string(content)
	}
	return mustYAML(data)
}

func (f files) AsSecrets() string {
	data := map[string]string{}
	for name, content := range f {
		data[filepath.Base(name)] = base64.StdEncoding.EncodeToString(content)
	}
	return mustYAML(data)
}

type chart struct {
	metadata  metadata
	values    map[string]interface{}
	schema    []byte            // nil: there is none
	templates map[string]string // by path in the chart
	crds      map[string]string
	files     files
}

func (c *chart) templateNames() []string {
	names := make([]string, 0, len(c.templates))
	for name := range c.templates {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func loadChart(folder string) (*chart, error) {
	c := &chart{
		values:    map[string]interface{}{},
		templates: map[string]string{},
		crds:      map[string]string{},
		files:     files{},
	}
	found := map[string][]byte{}
	if err := readFolder(folder, "", found, 0); err != nil {
		return nil, fmt.Errorf("load chart %s: %v", folder, err)
	}
	if found["Chart.yaml"] == nil {
		return nil, fmt.Errorf("load chart %s: there is no Chart.yaml", folder)
	}
	for name, content := range found {
		if err := c.add(name, content); err != nil {
			return nil, fmt.Errorf("load chart %s: %s: %v", folder, name, err)
		}
	}
	return c, c.check(folder)
}

func (c *chart) add(name string, content []byte) error {
	switch {
	case name == "Chart.yaml":
		return yaml.UnmarshalStrict(content, &c.metadata)
	case name == "values.yaml":
		return yaml.UnmarshalStrict(content, &c.values)
	case name == "values.schema.json":
		c.schema = content
	case name == ".helmignore" || name == "Chart.lock" || strings.HasPrefix(name, "charts/"):
		return fmt.Errorf("not supported by this renderer")
	case strings.HasPrefix(name, "templates/"):
		c.templates[name] = string(content)
	case strings.HasPrefix(name, "crds/"):
		c.crds[name] = string(content)
	default:
		c.files[name] = content
	}
	return nil
}

func (c *chart) check(folder string) error {
	m := c.metadata
	switch {
	case m.APIVersion != "v2":
		return fmt.Errorf("%s/Chart.yaml: apiVersion is %q, not v2", folder, m.APIVersion)
	case m.Name == "" || m.Version == "":
		return fmt.Errorf("%s/Chart.yaml: name and version are required", folder)
	case m.Type != "" && m.Type != "application":
		return fmt.Errorf("%s/Chart.yaml: a chart of type %s cannot be installed", folder, m.Type)
	case len(m.Dependencies) > 0:
		return fmt.Errorf("%s/Chart.yaml: dependencies are not supported by this renderer", folder)
	}
	if _, err := semver.NewVersion(m.Version); err != nil {
		return fmt.Errorf("%s/Chart.yaml: version %q: %v", folder, m.Version, err)
	}
	c.metadata.IsRoot = true
	return nil
}

// readFolder puts every file below root/inside into found, by its path with slashes.
func readFolder(root, inside string, found map[string][]byte, depth int) error {
	if depth > 20 {
		return fmt.Errorf("%s: folders nest too deeply; does a link point upwards?", inside)
	}
	entries, err := os.ReadDir(filepath.Join(root, inside))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := filepath.ToSlash(filepath.Join(inside, entry.Name()))
		info, err := os.Stat(filepath.Join(root, name)) // follows links: a broken one is an error
		if err != nil {
			return err
		}
		if info.IsDir() {
			if err := readFolder(root, name, found, depth+1); err != nil {
				return err
			}
			continue
		}
		if found[name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return nil
}
