package main

// Values: the chart's own, over them files, over these --set; null takes a key away. Then the
// schema.

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type assignment struct {
	text      string
	asStrings bool
}

func mergedValues(c *chart, paths []string, sets []assignment) (map[string]interface{}, error) {
	user := map[string]interface{}{}
	for _, path := range paths {
		content, err := readValues(path)
		if err != nil {
			return nil, fmt.Errorf("values: %v", err)
		}
		layer := map[string]interface{}{}
		if err := yaml.UnmarshalStrict(content, &layer); err != nil {
			return nil, fmt.Errorf("values: %s: %v", path, err)
		}
		overlay(user, layer)
	}
	for _, set := range sets {
		if err := assignAll(user, set); err != nil {
			return nil, fmt.Errorf("--set %s: %v", set.text, err)
		}
	}
	return coalesce(c.values, user), nil
}

func readValues(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

// overlay puts layer over values; nulls stay, since they will take keys of the chart away.
func overlay(values, layer map[string]interface{}) {
	for key, value := range layer {
		above, isMap := value.(map[string]interface{})
		below, wasMap := values[key].(map[string]interface{})
		if isMap && wasMap {
			overlay(below, above)
		} else {
			values[key] = value
		}
	}
}

// coalesce: the chart's values under the user's, nulls of the user gone with what they hide.
func coalesce(below, above map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range below {
		if _, hidden := above[key]; !hidden {
			merged[key] = value
		}
	}
	for key, value := range above {
		upper, isMap := value.(map[string]interface{})
		lower, _ := below[key].(map[string]interface{})
		switch {
		case value == nil:
		case isMap:
			merged[key] = coalesce(lower, upper)
		default:
			merged[key] = value
		}
	}
	return merged
}

// assignAll takes `a.b=c,d[0]=e,f={x,y}`; a backslash takes the meaning from the character after
// it.
func assignAll(values map[string]interface{}, set assignment) error {
	for _, part := range splitOutside(set.text, ',') {
		halves := splitOutside(part, '=')
		if len(halves) < 2 || halves[0] == "" {
			return fmt.Errorf("%q is not KEY=VALUE", part)
		}
		path, err := parsePath(halves[0])
		if err != nil {
			return err
		}
		text := strings.Join(halves[1:], "=")
		// What it returns is values itself: the first step of a path is always a key.
		assign(values, path, parseValue(text, set.asStrings))
	}
	return nil
}

// splitOutside splits at a separator that no backslash precedes and no braces enclose; backslashes
// stay.
func splitOutside(text string, separator byte) []string {
	var parts []string
	start, depth := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == separator && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// parsePath: keys are strings, indexes are ints.
func parsePath(text string) ([]interface{}, error) {
	var path []interface{}
	for _, key := range splitOutside(text, '.') {
		name, indexes := key, ""
		if bracket := strings.IndexByte(key, '['); bracket >= 0 && strings.HasSuffix(key, "]") {
			name, indexes = key[:bracket], key[bracket+1:len(key)-1]
		}
		if name == "" {
			return nil, fmt.Errorf("%q has an empty key", text)
		}
		path = append(path, unescape(name))
		if indexes == "" {
			continue
		}
		for _, index := range strings.Split(indexes, "][") {
			number, err := strconv.Atoi(index)
			if err != nil || number < 0 || number > 65535 {
				return nil, fmt.Errorf("%q is not an index", index)
			}
			path = append(path, number)
		}
	}
	return path, nil
}

func parseValue(text string, asString bool) interface{} {
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		items := []interface{}{}
		if inner := text[1 : len(text)-1]; inner != "" {
			for _, item := range splitOutside(inner, ',') {
				items = append(items, parseValue(item, asString))
			}
		}
		return items
	}
	text = unescape(text)
	if asString {
		return text
	}
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	// A leading zero is a string: 0755, 007.
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || text[0] != '0') {
		return number
	}
	return text
}

// assign returns node with value at path below it.
func assign(node interface{}, path []interface{}, value interface{}) interface{} {
	if len(path) == 0 {
		return value
	}
	if key, isKey := path[0].(string); isKey {
		object, isMap := node.(map[string]interface{})
		if !isMap {
			object = map[string]interface{}{}
		}
		object[key] = assign(object[key], path[1:], value)
		return object
	}
	index := path[0].(int)
	items, _ := node.([]interface{})
	for len(items) <= index {
		items = append(items, nil)
	}
	items[index] = assign(items[index], path[1:], value)
	return items
}

func checkSchema(c *chart, values map[string]interface{}) error {
	if c.schema == nil {
		return nil
	}
	result, err := gojsonschema.Validate(
		gojsonschema.NewBytesLoader(c.schema), gojsonschema.NewGoLoader(values))
	if err != nil {
		return fmt.Errorf("values.schema.json: %v", err)
	}
	if result.Valid() {
		return nil
	}
	var problems []string
	for _, problem := range result.Errors() {
		problems = append(problems, "- "+problem.String())
	}
	return fmt.Errorf("values do not meet the schema of %s:\n%s",
		c.metadata.Name, strings.Join(problems, "\n"))
}
