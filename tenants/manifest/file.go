package manifest

import (
	"fmt"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictyaml"
)

// version is the only form of the file that there is.
const version = 1

// File is a declarative file that was read and checked.
type File struct {
	Version int      `json:"version"`
	Prune   bool     `json:"prune"`
	Tenants []Tenant `json:"tenants"`
}

// Options say what a file may do and where its secrets come from.
type Options struct {
	// AllowInline permits secrets in line, for development only.
	AllowInline bool
	// Getenv reads {env: NAME}; false if there is no such variable.
	Getenv func(name string) (string, bool)
	// ReadFile reads {file: path}.
	ReadFile func(path string) ([]byte, error)
	// CheckKey tells what is wrong with the private key of a connection; nil only looks
	// whether it can be a JWK.
	CheckKey func(lanyard.Secret) error
}

// Parse reads a file and checks all that can be checked without a database. The
// error holds every complaint, as strictyaml.Complaints.
func Parse(data []byte, options Options) (File, error) {
	var f File
	c := checker{document: strictyaml.Decode(data, &f), options: options}
	f.check(c)
	if err := c.document.Err(); err != nil {
		return File{}, err
	}
	return f, nil
}

// checker collects complaints about a file.
type checker struct {
	document *strictyaml.Document
	options  Options
}

func (c checker) complain(path, format string, args ...any) {
	c.document.Complain(path, fmt.Sprintf(format, args...))
}

// unique complains about the second of two that have the same name.
func (c checker) unique(seen map[string]bool, path, what, name string) {
	if name == "" {
		return
	}
	if seen[name] {
		c.complain(path, "%s %q stands here a second time", what, name)
	}
	seen[name] = true
}

func (f *File) check(c checker) {
	if f.Version != version {
		c.complain("version", "version has to be %d", version)
	}
	slugs, hosts := map[string]bool{}, map[string]bool{}
	for i := range f.Tenants {
		path := fmt.Sprintf("tenants[%d]", i)
		t := &f.Tenants[i]
		c.unique(slugs, path+".slug", "tenant", t.Slug)
		for _, host := range append([]string{t.Host}, t.RedirectHosts...) {
			c.unique(hosts, path, "host", host)
		}
		t.check(c, path)
	}
}
