package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// values are the members of what is created or changed.
type values struct {
	File   string   `short:"f" placeholder:"FILE" help:"Members as JSON or YAML; - for standard input."`
	Values []string `arg:"" optional:"" sep:"none" name:"member=value" help:"Members, lists with commas. member=@FILE reads a file, member=@- standard input, member=@env:NAME a variable; secrets come in no other way."`
}

// schemaPath is a path as the API's document writes it.
func schemaPath(org, path string) string {
	return strings.Replace(path, "/organizations/"+url.PathEscape(org)+"/", "/organizations/{organization}/", 1)
}

// secretMembers never stand on a command line, where others read them.
var secretMembers = []string{"password", "client_secret", "private_key", "bot_token", "secret"}

// body puts the members together: the file first, then the values over it, of the kinds
// that the API's own document gives them.
func (v values) body(ctx context.Context, p *program, api *apiClient, path, method string) (map[string]any, error) {
	out, err := v.file(p)
	if err != nil {
		return nil, err
	}
	if len(v.Values) == 0 {
		return out, nil
	}
	document, err := api.call(ctx, http.MethodGet, "/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	kinds := membersOf(document, path, method)
	for _, text := range v.Values {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return nil, usageError(text + " is not member=value")
		}
		if slices.Contains(secretMembers, name) && !strings.HasPrefix(value, "@") {
			return nil, usageError(name + " is a secret: give it as @FILE, @- or @env:NAME")
		}
		if kinds[name] == "" {
			return nil, usageError("there is no member " + name + "; known are " + strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		if value, err = p.indirect(value); err != nil {
			return nil, err
		}
		if out[name], err = ofKind(kinds[name], value); err != nil {
			return nil, usageError(name + ": " + err.Error())
		}
	}
	return out, nil
}

func (v values) file(p *program) (map[string]any, error) {
	out := map[string]any{}
	if v.File == "" {
		return out, nil
	}
	data, err := p.read(v.File)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read %s: %w", v.File, err)
	}
	return out, nil
}

// read reads a file, or standard input for -.
func (p *program) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(p.input())
	}
	return os.ReadFile(name)
}

// indirect reads what a value refers to, without the end of its last line.
func (p *program) indirect(value string) (string, error) {
	name, refers := strings.CutPrefix(value, "@")
	if !refers {
		return value, nil
	}
	if variable, isVariable := strings.CutPrefix(name, "env:"); isVariable {
		content, known := p.getenv(variable)
		if !known {
			return "", usageError("the variable " + variable + " is not set")
		}
		return content, nil
	}
	data, err := p.read(name)
	return strings.TrimRight(string(data), "\r\n"), err
}

// ofKind is a text as a value of a kind of JSON. Nothing at all is null.
func ofKind(kind, text string) (any, error) {
	if text == "" && kind != "string" {
		return nil, nil //nolint:nilnil // null takes a member away
	}
	switch kind {
	case "boolean":
		return strconv.ParseBool(text)
	case "integer", "number":
		return json.Number(text), nil
	case "array":
		if strings.HasPrefix(text, "[") {
			break
		}
		var out []any
		for part := range strings.SplitSeq(text, ",") {
			out = append(out, strings.TrimSpace(part))
		}
		return out, nil
	case "string":
		return text, nil
	}
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, errors.New("it has to be JSON")
	}
	return out, nil
}

// membersOf are the members of a body with their kinds, by the document of the API. A
// path that ends with { stands for the one with a parameter there.
func membersOf(document any, path, method string) map[string]string {
	paths, _ := memberOf(document, "paths").(map[string]any)
	for _, known := range slices.Sorted(maps.Keys(paths)) {
		if known != path && !(strings.HasSuffix(path, "{") && strings.HasPrefix(known, path) && strings.Count(known, "/") == strings.Count(path, "/")) {
			continue
		}
		operation, _ := paths[known].(map[string]any)
		content, _ := memberOf(operation[method], "requestBody.content").(map[string]any)
		for _, media := range content {
			return kindsOf(document, memberOf(media, "schema"))
		}
	}
	return nil
}

func kindsOf(document, schema any) map[string]string {
	schema = resolved(document, schema)
	properties, _ := memberOf(schema, "properties").(map[string]any)
	out := map[string]string{}
	for name, property := range properties {
		if readOnly, _ := memberOf(property, "readOnly").(bool); readOnly {
			continue
		}
		switch kind := memberOf(resolved(document, property), "type").(type) {
		case string:
			out[name] = kind
		case []any: // with null
			out[name], _ = kind[0].(string)
		default:
			out[name] = "object"
		}
	}
	return out
}

func resolved(document, schema any) any {
	if name, found := strings.CutPrefix(cell(memberOf(schema, "$ref")), "#/components/schemas/"); found {
		schemas, _ := memberOf(document, "components.schemas").(map[string]any)
		return schemas[name]
	}
	return schema
}
