package main

// Rendered text to documents: every one must be an object of Kubernetes; printed in Helm's order of
// installation.

import (
	"fmt"
	"io"
	"path"
	"regexp"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

type document struct {
	source string // chart/templates/file
	kind   string
	name   string
	text   string
}

var separator = regexp.MustCompile(`(?m)^---[ \t]*(#.*)?$`)

var installOrder = []string{
	"PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange",
	"PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "StorageClass",
	"PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole",
	"ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "ReplicaSet",
	"Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "Ingress",
}

// orderOf: kinds that are not in the list come last.
func orderOf(kind string) int {
	for i, known := range installOrder {
		if known == kind {
			return i
		}
	}
	return len(installOrder)
}

func documentsOf(chartName string, rendered renderedFiles) ([]document, error) {
	var documents []document
	for name, text := range rendered {
		if path.Base(name) == "NOTES.txt" {
			continue
		}
		found, err := split(path.Join(chartName, name), text)
		if err != nil {
			return nil, err
		}
		documents = append(documents, found...)
	}
	sort.Slice(documents, func(i, j int) bool {
		a, b := documents[i], documents[j]
		if orderOf(a.kind) != orderOf(b.kind) {
			return orderOf(a.kind) < orderOf(b.kind)
		}
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		return a.name < b.name
	})
	return documents, nil
}

func split(source, text string) ([]document, error) {
	var documents []document
	for number, part := range separator.Split(text, -1) {
		object := map[string]interface{}{}
		if err := yaml.UnmarshalStrict([]byte(part), &object); err != nil {
			return nil, fmt.Errorf("%s: document %d is not YAML: %v\n%s",
				source, number+1, err, numbered(part))
		}
		if len(object) == 0 {
			continue // nothing, or only comments
		}
		kind, _ := object["kind"].(string)
		version, _ := object["apiVersion"].(string)
		meta, _ := object["metadata"].(map[string]interface{})
		name, _ := meta["name"].(string)
		if kind == "" || version == "" || name == "" {
			return nil, fmt.Errorf("%s: document %d lacks apiVersion, kind or metadata.name",
				source, number+1)
		}
		documents = append(documents, document{source, kind, name, strings.Trim(part, "\n")})
	}
	return documents, nil
}

func numbered(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = fmt.Sprintf("%4d  %s", i+1, lines[i])
	}
	return strings.Join(lines, "\n")
}

func printDocuments(documents []document, out io.Writer) {
	for _, d := range documents {
		fmt.Fprintf(out, "---\n# Source: %s\n%s\n", d.source, d.text)
	}
}

func printCRDs(c *chart, out io.Writer) {
	names := make([]string, 0, len(c.crds))
	for name := range c.crds {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		text := strings.Trim(c.crds[name], "\n")
		fmt.Fprintf(out, "---\n# Source: %s/%s\n%s\n", c.metadata.Name, name, text)
	}
}

func printOne(c *chart, rendered renderedFiles, show string, out io.Writer) error {
	name := show
	if show == "NOTES" {
		name = "templates/NOTES.txt"
	}
	text, found := rendered[name]
	if !found {
		return fmt.Errorf("--show %s: the chart %s has no such template", show, c.metadata.Name)
	}
	_, err := fmt.Fprintf(out, "%s\n", strings.Trim(text, "\n"))
	return err
}

func mustYAML(value interface{}) string {
	out, err := yaml.Marshal(value)
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return strings.TrimSuffix(string(out), "\n")
}
