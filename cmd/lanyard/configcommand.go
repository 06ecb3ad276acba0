package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

type configCommand struct {
	Check  configCheckCommand  `cmd:"" help:"Complain about everything that is wrong."`
	Print  configPrintCommand  `cmd:"" help:"Print the effective configuration, secrets hidden."`
	Schema configSchemaCommand `cmd:"" help:"Print a JSON Schema of the configuration file."`

	Reference configReferenceCommand `cmd:"" help:"Print the reference of the configuration in Markdown."`
}

type configCheckCommand struct{ configSource }

// Run checks the configuration as serve would.
func (c configCheckCommand) Run(p *program) error {
	config, err := c.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		return err
	}
	if err := config.try(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, "the configuration is fine")
	return err
}

// try reads what the configuration names: the master key, the certificate, the peers.
func (c *Config) try() error {
	_, keyErr := c.master()
	_, tlsErr := withTLS(nil, c.Server.TLSCert, c.Server.TLSKey)
	_, fetchErr := c.fetcher()
	return errors.Join(keyErr, tlsErr, fetchErr)
}

type configPrintCommand struct{ configSource }

// Run prints the configuration as YAML.
func (c configPrintCommand) Run(p *program) error {
	config, err := c.load(p, needs{})
	if err != nil {
		return err
	}
	section := ""
	for _, f := range config.fields() {
		name, key, _ := strings.Cut(f.key, ".")
		if name != section {
			fmt.Fprintf(p.out, "%s:\n", name)
			section = name
		}
		if f.secret && f.value.Interface().(secretText).IsZero() {
			continue
		}
		value, err := json.Marshal(f.value.Interface())
		if err != nil {
			return fmt.Errorf("print %s: %w", f.key, err)
		}
		if string(value) == "null" {
			value = []byte("[]")
		}
		if _, err := fmt.Fprintf(p.out, "  %s: %s\n", key, value); err != nil {
			return err
		}
	}
	return nil
}

type configSchemaCommand struct{}

// Run prints the schema.
func (configSchemaCommand) Run(p *program) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(configSchema())
}

// configSchema describes the configuration file (JSON Schema 2020-12).
func configSchema() map[string]any {
	config := defaults()
	sections := map[string]any{}
	for _, f := range config.fields() {
		name, key, _ := strings.Cut(f.key, ".")
		section, ok := sections[name].(map[string]any)
		if !ok {
			section = map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
			sections[name] = section
		}
		section["properties"].(map[string]any)[key] = fieldSchema(f)
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Lanyard configuration", "type": "object", "additionalProperties": false, "properties": sections,
	}
}

func fieldSchema(f field) map[string]any {
	out := map[string]any{"description": f.help + " Variable: " + f.env() + ".", "type": "string"}
	switch f.value.Kind() {
	case reflect.Int:
		out["type"], out["default"] = "integer", f.value.Int()
	case reflect.Bool:
		out["type"], out["default"] = "boolean", f.value.Bool()
	case reflect.Slice:
		out["type"], out["items"] = "array", map[string]any{"type": "string"}
	case reflect.String:
		if f.value.String() != "" {
			out["default"] = f.value.String()
		}
	}
	return out
}
