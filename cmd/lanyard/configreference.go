package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

type configReferenceCommand struct{}

// Run prints the reference of the configuration, docs/configuration.md.
func (configReferenceCommand) Run(p *program) error {
	_, err := io.WriteString(p.out, configReference())
	return err
}

// referenceTop is what the page begins with.
const referenceTop = `# Configuration

Made from the program by ` + "`lanyard config reference`" + `; a test says when it is out of date.

A setting comes from, the strongest first: a flag ` + "`--set section.key=value`" + ` (not for secrets), a variable ` + "`LANYARD_SECTION_KEY`" + `,
the file that ` + "`--config`" + ` or ` + "`LANYARD_CONFIG`" + ` names, the default. The file is strict YAML: an unknown key is an error that names its
place. ` + "`lanyard config check`" + ` complains about everything at once, ` + "`config print`" + ` shows what holds with secrets hidden, ` + "`config schema`" + `
is a JSON Schema for editors.

Lists are separated by commas in variables. A secret can come by file: the setting with ` + "`_file`" + ` (variable ` + "`…_FILE`" + `) names one, which
is read at the start, without the blanks around its text. Given both, the stronger layer wins; both in one layer is an error.
`

// referenceEnd are the variables that belong to no section.
const referenceEnd = `
## Other variables

| variable | what it does |
|---|---|
| ` + "`LANYARD_CONFIG`" + ` | File of the configuration, where ` + "`--config`" + ` names none. |
| ` + "`LANYARD_API`" + ` | Issuer whose management API the commands call, where ` + "`--api`" + ` names none. |
| ` + "`LANYARD_TOKEN`" + `, ` + "`LANYARD_TOKEN_FILE`" + ` | Access token for that API (secret). |
| ` + "`LANYARD_CLIENT_ID`" + ` | Machine client that gets a token for that API by client credentials. |
| ` + "`LANYARD_CLIENT_SECRET`" + `, ` + "`LANYARD_CLIENT_SECRET_FILE`" + ` | Its secret. |
| ` + "`OTEL_EXPORTER_OTLP_ENDPOINT`" + `, ` + "`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`" + ` | URL of a collector for traces over OTLP/HTTP; without one there are none. See [monitoring](monitoring.md#traces). |
| ` + "`OTEL_EXPORTER_OTLP_HEADERS`" + `, ` + "`…_CERTIFICATE`" + `, ` + "`…_TIMEOUT`" + ` and so on | As the OpenTelemetry specification says; ` + "`…_PROTOCOL`" + ` is ` + "`http/protobuf`" + `. |
| ` + "`OTEL_SDK_DISABLED`" + `, ` + "`OTEL_TRACES_EXPORTER`" + ` | ` + "`true`" + `, or ` + "`none`" + `: no traces whatever else is set. |
| ` + "`OTEL_SERVICE_NAME`" + `, ` + "`OTEL_RESOURCE_ATTRIBUTES`" + ` | What the traces say of this process; the service is ` + "`lanyard`" + ` by default. |
| ` + "`OTEL_TRACES_SAMPLER`" + `, ` + "`OTEL_TRACES_SAMPLER_ARG`" + ` | Which requests are traced; all of them by default. |
| ` + "`GOMEMLIMIT`" + ` | Memory that the process tries to stay below, such as ` + "`200MiB`" + `; set it to nine tenths of a container's limit. |
| ` + "`GOGC`" + ` | How much garbage is gathered before it is collected, in percent of what is held; 200 by default. |
| ` + "`GOMAXPROCS`" + ` | Processors that are used at once; a container's limit is heeded without it. |
`

// configReference is the reference in Markdown, from the types.
func configReference() string {
	config := defaults()
	var b strings.Builder
	b.WriteString(referenceTop)
	section := ""
	for _, f := range config.fields() {
		name, _, _ := strings.Cut(f.key, ".")
		if name != section {
			fmt.Fprintf(&b, "\n## `%s`\n\n| key | variable | type | default | what it does |\n|---|---|---|---|---|\n", name)
			section = name
		}
		help := f.help
		if f.secret {
			help += " Secret; not as a flag."
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", f.key, f.env(), f.kind(), f.standard(), strings.ReplaceAll(help, "|", "\\|"))
	}
	b.WriteString(referenceEnd)
	return b.String()
}

// kind is what a field takes, for people.
func (f field) kind() string {
	switch f.value.Kind() {
	case reflect.Int:
		return "whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "list"
	}
	if strings.HasSuffix(f.key, "_file") {
		return "path"
	}
	return "text"
}

// standard is the default of a field, for people; a dash is none.
func (f field) standard() string {
	text := ""
	switch value := f.value.Interface().(type) {
	case logLevel:
		text = strings.ToLower(value.String())
	case int, bool:
		text = fmt.Sprint(value)
	case string:
		text = value
	}
	if text == "" {
		return "—"
	}
	return "`" + text + "`"
}
