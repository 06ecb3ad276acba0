package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictyaml"
)

// configSource are the flags of every command that reads the configuration.
type configSource struct {
	Config string   `short:"c" placeholder:"FILE" help:"Configuration file (or LANYARD_CONFIG)."`
	Set    []string `placeholder:"SECTION.KEY=VALUE" sep:"none" help:"Set one key of the configuration; not for secrets."`
}

// envPrefix begins all variables that we read.
const envPrefix = "LANYARD_"

// envConfig names the configuration file.
const envConfig = "LANYARD_CONFIG"

// load reads the configuration, weakest first: defaults, file, environment,
// flags. It complains about everything at once.
func (s configSource) load(p *program, n needs) (Config, error) {
	l := s.layers(p)
	l.secrets()
	l.config.check(l.complain, n)
	return l.config, l.err()
}

// loadOpenly reads the configuration without the files of its secrets and without
// asking whether one could serve with it.
func (s configSource) loadOpenly(p *program) (Config, error) {
	l := s.layers(p)
	return l.config, l.err()
}

// layers lays file, environment and flags over the defaults.
func (s configSource) layers(p *program) *loader {
	l := &loader{config: defaults(), layer: map[string]int{}}
	l.file(s.path(p))
	l.environment(p.environ)
	l.flags(s.Set)
	return l
}

func (s configSource) path(p *program) string {
	if s.Config != "" {
		return s.Config
	}
	path, _ := p.getenv(envConfig)
	return path
}

// The layers of a configuration, weakest first.
const (
	layerDefault = iota
	layerFile
	layerEnvironment
	layerFlag
)

// loader lays the layers over each other.
type loader struct {
	config     Config
	name       string
	document   *strictyaml.Document
	layer      map[string]int // key to the strongest layer that gave it
	complaints []string
}

// field is one key of the configuration.
type field struct {
	key    string // section.key
	secret bool
	help   string
	value  reflect.Value
}

// env is the variable of the key.
func (f field) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))
}

// fields lists the keys in the order of the type.
func (c *Config) fields() []field {
	var out []field
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		section := sections.Field(i)
		if section.Kind() != reflect.Struct {
			continue
		}
		for j := range section.NumField() {
			tag := section.Type().Field(j).Tag
			out = append(out, field{
				key:    sections.Type().Field(i).Tag.Get("json") + "." + tag.Get("json"),
				secret: section.Field(j).Type() == reflect.TypeFor[secretText](),
				help:   tag.Get("help"),
				value:  section.Field(j),
			})
		}
	}
	return out
}

func (l *loader) find(match func(field) bool) (field, bool) {
	all := l.config.fields()
	i := slices.IndexFunc(all, match)
	if i < 0 {
		return field{}, false
	}
	return all[i], true
}

// complain adds a complaint about a key, with its place if the file gave it.
func (l *loader) complain(key, text string) {
	if l.layer[key] == layerFile {
		l.document.Complain(key, text)
		return
	}
	l.complaints = append(l.complaints, text)
}

func (l *loader) err() error {
	var lines []string
	if l.document != nil {
		if c, ok := errors.AsType[strictyaml.Complaints](l.document.Err()); ok {
			for _, complaint := range c {
				lines = append(lines, l.name+":"+complaint.String())
			}
		}
	}
	if lines = append(lines, l.complaints...); len(lines) > 0 {
		return errors.New(strings.Join(lines, "\n"))
	}
	return nil
}

func (l *loader) file(path string) {
	if path == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.complaints = append(l.complaints, fmt.Sprintf("reading the configuration: %v", err))
		return
	}
	l.name = path
	l.document = strictyaml.Decode(data, &l.config)
	for _, f := range l.config.fields() {
		if l.document.Has(f.key) {
			l.layer[f.key] = layerFile
		}
	}
}

func (l *loader) environment(environ []string) {
	names := make([]string, 0, len(environ))
	for _, f := range l.config.fields() {
		names = append(names, f.env())
	}
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || name == envConfig || slices.Contains(apiVariables, name) || foreign(name, value) {
			continue
		}
		f, known := l.find(func(f field) bool { return f.env() == name })
		if !known {
			l.complaints = append(l.complaints, strictyaml.Unknown("variable", name, names))
			continue
		}
		l.set(f, value, layerEnvironment, name)
	}
}

// foreign tells the variables that begin like ours and are not: those without
// section and key, such as a script's LANYARD_BIN, those that Kubernetes makes for
// a service that is called lanyard, and those of our own test runs, which servers
// under test inherit.
func foreign(name, value string) bool {
	return !strings.Contains(strings.TrimPrefix(name, envPrefix), "_") || serviceVariable.MatchString(name) || portVariable.MatchString(name) && strings.Contains(value, "://") ||
		partVariable.MatchString(name) || strings.HasPrefix(name, "LANYARD_TEST_") || name == "LANYARD_SOAK"
}

var (
	serviceVariable = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$`)
	portVariable    = regexp.MustCompile(`_PORT(_\d+_(TCP|UDP|SCTP))?$`)
	partVariable    = regexp.MustCompile(`_PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$`)
)

func (l *loader) flags(set []string) {
	for _, text := range set {
		key, value, ok := strings.Cut(text, "=")
		f, known := l.find(func(f field) bool { return f.key == key })
		switch {
		case !ok:
			l.complaints = append(l.complaints, "--set "+text+" is not section.key=value")
		case !known:
			l.complaints = append(l.complaints, strictyaml.Unknown("key", key, l.keys()))
		case f.secret:
			l.complaints = append(l.complaints, "--set "+key+": a secret is never an argument; use "+f.env()+", "+f.env()+"_FILE or the file")
		default:
			l.set(f, value, layerFlag, "--set "+key)
		}
	}
}

func (l *loader) keys() []string {
	var out []string
	for _, f := range l.config.fields() {
		out = append(out, f.key)
	}
	return out
}

func (l *loader) set(f field, value string, layer int, name string) {
	if err := strictyaml.SetText(f.value, value); err != nil {
		text := err.Error()
		if e, ok := errors.AsType[*lanyard.Error](err); ok {
			text = e.Message
		}
		l.complaints = append(l.complaints, name+": "+text)
		return
	}
	l.layer[f.key] = layer
}

// secrets reads the secrets that were given by file. Of a secret and its file
// the one from the stronger layer counts; both in one layer is a complaint.
func (l *loader) secrets() {
	all := l.config.fields()
	for i, f := range all {
		if !f.secret {
			continue
		}
		path := all[i+1] // the key with _file follows its secret
		switch {
		case path.value.String() == "" || l.layer[path.key] < l.layer[f.key]:
			continue
		case l.layer[path.key] == l.layer[f.key] && !f.value.Interface().(secretText).IsZero():
			l.complain(f.key, f.key+" and "+path.key+" are both given")
			continue
		}
		data, err := os.ReadFile(path.value.String())
		if err != nil {
			l.complain(path.key, fmt.Sprintf("%s: %v", path.key, err))
			continue
		}
		secret := secretText{lanyard.SecretOf(strings.TrimSpace(string(data)))}
		if secret.IsZero() {
			l.complain(path.key, path.key+": the file is empty")
		}
		f.value.Set(reflect.ValueOf(secret))
	}
}
