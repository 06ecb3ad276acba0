package manifest

import (
	"errors"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Secret is a secret of a file: by environment variable, by file, or in line.
type Secret struct {
	Env  string `json:"env"`
	File string `json:"file"`
	// Value is the secret itself, after Parse.
	Value lanyard.Secret `json:"-"`
}

// UnmarshalText reads a secret in line.
func (s *Secret) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("it is empty")
	}
	s.Value = lanyard.SecretOf(string(text))
	return nil
}

func (s *Secret) resolve(c checker, path string) {
	switch {
	case s.Env != "" && s.File != "":
		c.complain(path, "give either env or file")
	case s.Env != "":
		value, ok := c.options.Getenv(s.Env)
		if !ok || value == "" {
			c.complain(path, "the environment variable %s is not set", s.Env)
		}
		s.Value = lanyard.SecretOf(value)
	case s.File != "":
		data, err := c.options.ReadFile(s.File)
		if err != nil {
			c.complain(path, "the file can not be read: %v", err)
		}
		s.Value = lanyard.SecretOf(strings.TrimRight(string(data), "\r\n"))
		if err == nil && s.Value.IsZero() {
			c.complain(path, "the file %s is empty", s.File)
		}
	case s.Value.IsZero() && c.document.Has(path):
		c.complain(path, "a secret is {env: NAME} or {file: path}")
	case !s.Value.IsZero() && !c.options.AllowInline:
		c.complain(path, "a secret in line is for development only; use {env: NAME} or {file: path}")
	}
}

// Hash is a hash of a password; it may stand in line.
type Hash struct{ Value lanyard.Secret }

// UnmarshalText reads a hash.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("it is empty")
	}
	h.Value = lanyard.SecretOf(string(text))
	return nil
}
