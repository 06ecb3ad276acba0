package mail

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed words/*.yaml
var wordFiles embed.FS

// spoken are the languages of our own templates; the first is the fallback.
var spoken = []language.Tag{language.English, language.German}

// A letter names languages that came from a browser: a bounded part of them is read.
const (
	maxLanguages = 10
	maxTag       = 35
)

// words are our texts by language.
type words map[string]*i18n.Localizer

func newWords() (words, error) {
	bundle := i18n.NewBundle(spoken[0])
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	out := words{}
	for _, tag := range spoken {
		file := path.Join("words", tag.String()+".yaml")
		data, err := wordFiles.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the words of mails: %w", err)
		}
		if _, err := bundle.ParseMessageFileBytes(data, file); err != nil {
			return nil, fmt.Errorf("parse the words of mails in %s: %w", tag, err)
		}
		out[tag.String()] = i18n.NewLocalizer(bundle, tag.String())
	}
	return out, nil
}

// tongue speaks one language about one letter. The first word that is missing is
// kept as its error.
type tongue struct {
	localizer *i18n.Localizer
	lang      string
	// data are the values that every word may have.
	data map[string]any
	err  error
}

// say is a text that has to be there, with further values by name. "Count" chooses
// the plural form.
func (t *tongue) say(key string, values ...any) string {
	text, err := t.localize(key, values)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("word %s in %s: %w", key, t.lang, err)
	}
	return text
}

// maybe is a text that a kind of mail may do without.
func (t *tongue) maybe(key string, values ...any) string {
	text, err := t.localize(key, values)
	if _, missing := errors.AsType[*i18n.MessageNotFoundErr](err); missing {
		return ""
	}
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("word %s in %s: %w", key, t.lang, err)
	}
	return text
}

func (t *tongue) localize(key string, values []any) (string, error) {
	data := maps.Clone(t.data)
	for i := 0; i+1 < len(values); i += 2 {
		data[fmt.Sprint(values[i])] = values[i+1]
	}
	return t.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: data["Count"]})
}

// match finds the best of the offered languages for what a recipient reads, best
// first; what follows in the list counts only if nothing before it fits.
func match(offered []language.Tag, wanted []string) language.Tag {
	matcher := language.NewMatcher(offered)
	for _, text := range wanted {
		if len(text) > maxTag {
			continue
		}
		tag, err := language.Parse(text)
		if err != nil {
			continue
		}
		if _, i, confidence := matcher.Match(tag); confidence >= language.High {
			return offered[i]
		}
	}
	return offered[0]
}
