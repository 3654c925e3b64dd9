// helm_render prints what `helm template` would, for charts without dependencies: the Debian
// machine that tests this repository has no helm. A chart's templates are Go's text/template with
// the functions of sprig and a few of Helm's own; this program has the same, and the same order of
// steps: load, merge values, check them against values.schema.json, render, split, sort. What it
// does not know (dependencies, .helmignore) is an error, never a silent difference.
//
//	main.go       command line
//	chart.go      a chart's folder: metadata, values, schema, templates, files
//	values.go     merging values, --set
//	render.go     templates and their functions
//	manifests.go  rendered text to documents, in the order of installation
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const usage = `usage: helm_render CHART [flags]

Prints the objects of the chart in the folder CHART as YAML documents.

`

// list is a flag that may be given several times.
type list []string

func (l *list) String() string         { return strings.Join(*l, ",") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

type options struct {
	chart       string
	name        string
	namespace   string
	kubeVersion string
	apiVersions list
	values      list
	sets        []assignment
	includeCRDs bool
	upgrade     bool
	strict      bool
	show        string
}

// assignments collects --set and --set-string in the order in which they were given.
type assignments struct {
	to        *[]assignment
	asStrings bool
}

func (a assignments) String() string { return "" }
func (a assignments) Set(text string) error {
	*a.to = append(*a.to, assignment{text, a.asStrings})
	return nil
}

func parseOptions(arguments []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("helm_render", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { fmt.Fprint(out, usage); flags.PrintDefaults() }
	flags.StringVar(&o.name, "name", "release-name", "name of the release")
	flags.StringVar(&o.namespace, "namespace", "default", "namespace of the release")
	flags.StringVar(&o.kubeVersion, "kube-version", "v1.26.0", "what .Capabilities says")
	flags.Var(&o.apiVersions, "api-versions", "`group/version[/Kind]` beside the usual; repeatable")
	flags.Var(&o.values, "values", "`file` with values over the chart's, or -; repeatable")
	flags.Var(&o.values, "f", "the same as --values")
	flags.Var(assignments{&o.sets, false}, "set", "`a.b=c,d[0]=e` over all of these; repeatable")
	flags.Var(assignments{&o.sets, true}, "set-string", "the same, every value a string; repeatable")
	flags.BoolVar(&o.includeCRDs, "include-crds", false, "print the chart's crds/ folder as well")
	flags.BoolVar(&o.upgrade, "is-upgrade", false, "render as `helm upgrade` does")
	flags.BoolVar(&o.strict, "strict", false, "a value that nobody set is an error")
	flags.StringVar(&o.show, "show", "", "only this: NOTES, or a template's path in the chart")

	// The chart may stand before the flags, between them or after them.
	for {
		if err := flags.Parse(arguments); err != nil {
			return o, err
		}
		if flags.NArg() == 0 {
			break
		}
		if o.chart != "" {
			return o, fmt.Errorf("one chart, not two: %s and %s", o.chart, flags.Arg(0))
		}
		o.chart, arguments = flags.Arg(0), flags.Args()[1:]
	}
	if o.chart == "" {
		return o, fmt.Errorf("which chart? (helm_render --help)")
	}
	return o, nil
}

func run(o options, out io.Writer) error {
	chart, err := loadChart(o.chart)
	if err != nil {
		return err
	}
	values, err := mergedValues(chart, o.values, o.sets)
	if err != nil {
		return err
	}
	if err := checkSchema(chart, values); err != nil {
		return err
	}
	capabilities, err := makeCapabilities(o.kubeVersion, o.apiVersions)
	if err != nil {
		return err
	}
	if err := checkKubeVersion(chart, capabilities); err != nil {
		return err
	}
	release := release{
		Name: o.name, Namespace: o.namespace, Revision: 1, Service: "Helm",
		IsInstall: !o.upgrade, IsUpgrade: o.upgrade,
	}
	rendered, err := render(chart, values, release, capabilities, o.strict)
	if err != nil {
		return err
	}
	if o.show != "" {
		return printOne(chart, rendered, o.show, out)
	}
	documents, err := documentsOf(chart.metadata.Name, rendered)
	if err != nil {
		return err
	}
	if o.includeCRDs {
		printCRDs(chart, out)
	}
	printDocuments(documents, out)
	return nil
}

func main() {
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		err = run(o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "helm_render: %v\n", err)
		os.Exit(1)
	}
}
