package loginui

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	xlanguage "golang.org/x/text/language"

	"github.com/lanyard-id/lanyard/internal/web"
)

//go:embed messages/*/*.yaml
var messageFiles embed.FS

const (
	dirLTR = "ltr"
	dirRTL = "rtl"

	// langParam is the query parameter by which a person chooses a language.
	langParam = "lang"
	// pseudoTag is a made-up language that is written from right to left, English
	// in brackets. It exists under dev only, to see what such a page looks like.
	pseudoTag = "ar-XB"
)

// Negotiation reads a bounded part of what a stranger sends and keeps nothing of it.
const (
	maxAcceptLanguage = 256
	maxLocales        = 10
	maxLocale         = 35
)

// language is one language of the pages.
type language struct {
	Lang string
	Dir  string
	Name string

	localizer *i18n.Localizer
	pseudo    bool
}

// languages are all languages; the first is the fallback.
type languages struct {
	offered []*language
	pseudo  *language
	matcher xlanguage.Matcher
}

var offeredTags = []xlanguage.Tag{xlanguage.English, xlanguage.German}

func newLanguages() (*languages, error) {
	bundle := i18n.NewBundle(offeredTags[0])
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	out := &languages{matcher: xlanguage.NewMatcher(offeredTags)}
	var err error
	for _, tag := range offeredTags {
		if err := loadMessages(bundle, tag); err != nil {
			return nil, err
		}
		l := &language{Lang: tag.String(), Dir: dirLTR, localizer: i18n.NewLocalizer(bundle, tag.String())}
		if l.Name, err = l.T("language.name"); err != nil {
			return nil, err
		}
		out.offered = append(out.offered, l)
	}
	out.pseudo = &language{Lang: pseudoTag, Dir: dirRTL, pseudo: true, localizer: out.offered[0].localizer}
	return out, nil
}

// loadMessages reads the messages of a language, one file per area of the pages.
func loadMessages(bundle *i18n.Bundle, tag xlanguage.Tag) error {
	files, err := fs.Glob(messageFiles, path.Join("messages", tag.String(), "*.yaml"))
	if err != nil {
		return fmt.Errorf("list messages: %w", err)
	}
	for _, file := range files {
		data, err := messageFiles.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		if _, err := bundle.ParseMessageFileBytes(data, tag.String()+".yaml"); err != nil {
			return fmt.Errorf("parse messages of %s: %w", file, err)
		}
	}
	return nil
}

// T is a message in the language, filled with name and value pairs. Values are
// plain text; the template escapes the whole. "Count" chooses the plural form.
func (l *language) T(key string, args ...any) (string, error) {
	config := i18n.LocalizeConfig{MessageID: key}
	if len(args) > 0 {
		data := map[string]any{}
		for i := 0; i+1 < len(args); i += 2 {
			data[fmt.Sprint(args[i])] = l.argument(args[i+1])
		}
		config.TemplateData, config.PluralCount = data, data["Count"]
	}
	text, err := l.localizer.Localize(&config)
	if err != nil {
		return "", fmt.Errorf("message %s in %s: %w", key, l.Lang, err)
	}
	if l.pseudo {
		return "⟦" + text + "⟧", nil
	}
	return text, nil
}

func (l *language) argument(v any) any {
	if s, ok := v.(string); ok {
		return isolate(s, l.Dir)
	}
	return v
}

// choose finds the language of a page: what the person chose, else what the
// application asks for, else what the browser prefers. A choice by parameter is
// kept in a cookie, unless another site made the link.
func (p *Pages) choose(c *gin.Context, uiLocales []string) *language {
	r, s := c.Request, site(c)
	if chosen := p.languages.find(r.URL.Query()[langParam], s); chosen != nil {
		if r.Header.Get("Sec-Fetch-Site") != "cross-site" {
			web.SetLanguage(c.Writer, s, chosen.Lang)
		}
		return chosen
	}
	if kept := web.Language(r, s); kept != "" {
		if l := p.languages.find([]string{kept}, s); l != nil {
			return l
		}
	}
	if l := p.languages.find(uiLocales, s); l != nil {
		return l
	}
	return p.languages.accept(r.Header.Get("Accept-Language"))
}

// find matches a list of tags, best first; nil if none of them is spoken here.
func (ls *languages) find(tags []string, s web.Site) *language {
	for _, text := range tags[:min(len(tags), maxLocales)] {
		if s.Dev && text == pseudoTag {
			return ls.pseudo
		}
		if len(text) > maxLocale {
			continue
		}
		tag, err := xlanguage.Parse(text)
		if err != nil {
			continue
		}
		if _, i, confidence := ls.matcher.Match(tag); confidence >= xlanguage.High {
			return ls.offered[i]
		}
	}
	return nil
}

// accept matches an Accept-Language header, of which only the beginning is read.
func (ls *languages) accept(header string) *language {
	if len(header) > maxAcceptLanguage {
		header = header[:maxAcceptLanguage]
		header = header[:max(0, strings.LastIndexByte(header, ','))]
	}
	tags, _, err := xlanguage.ParseAcceptLanguage(header)
	if err != nil {
		return ls.offered[0]
	}
	_, i, _ := ls.matcher.Match(tags...)
	return ls.offered[i]
}
