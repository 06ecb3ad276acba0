package manifest

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// checkPolicy complains about what a tenant can not decide.
func (t *Tenant) checkPolicy(c checker, path string) {
	if t.Policy != nil {
		c.faults(path, tenants.CheckPolicy(*t.Policy))
	}
}

// checkMail complains about mails that could not be sent, or that would say nothing.
func (t *Tenant) checkMail(c checker, path string) {
	if t.Mail != nil {
		c.faults(path, tenants.CheckMail(*t.Mail))
	}
}

// faults complains about the rules that settings break.
func (c checker) faults(path string, all []tenants.Fault) {
	for _, f := range all {
		at := path
		if f.Field != "" {
			at += "." + f.Field
		}
		c.complain(at, "%s", f.Message)
	}
}

// checkAttributes complains about attributes of a user that the policy of the same
// file does not know, or whose values do not fit.
func (t *Tenant) checkAttributes(c checker, path string, given map[string]string) {
	if t.Policy == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := path + ".attributes." + name
		i := slices.IndexFunc(t.Policy.Attributes, func(a lanyard.Attribute) bool { return a.Name == name })
		if i < 0 {
			c.complain(at, "the policy has no attribute %q", name)
			continue
		}
		if _, err := t.Policy.Attributes[i].Value(given[name]); err != nil {
			c.complain(at, "%s", safe(err))
		}
	}
}

// oneOf complains about a word that is none of those there are; nothing is fine.
func oneOf[T ~string](c checker, path, name string, word T, words ...T) {
	if word == "" || slices.Contains(words, word) {
		return
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	c.complain(path+"."+name, "%s is one of %s", name, strings.Join(texts, ", "))
}

func checkLanguage(c checker, path, tag string) {
	if _, err := language.Parse(tag); err != nil {
		c.complain(path, "%q is not a language", tag)
	}
}
