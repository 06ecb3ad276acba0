package mail

import (
	"bytes"
	_ "embed" // the layout
	"errors"
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
)

//go:embed layout/mail.html
var layoutFile string

// maxHTML is the most that the HTML of a mail may be, in bytes: some programs cut longer ones.
const maxHTML = 20 << 10

func newLayout() (*template.Template, error) {
	layout, err := template.New("mail").Option("missingkey=error").Parse(layoutFile)
	if err != nil {
		return nil, fmt.Errorf("parse the layout of mails: %w", err)
	}
	return layout, nil
}

// content is what a mail says, in parts. The same parts make the text and the HTML.
type content struct {
	Lang    string
	Subject string
	Tenant  string
	Hello   string
	Lead    string
	// Code is shown large; the lead has it, too.
	Code   string
	More   []string
	Button *button
	Facts  []fact
	// Safety is for a recipient who did not do it.
	Safety       string
	SafetyButton *button
	Footer       string
	// Autofill binds the code to the host, for browsers that offer to type it.
	Autofill string
	// Own is the tenant's own text, in place of everything up to the footer.
	Own [][]ownLine

	Accent   template.CSS
	OnAccent template.CSS
}

type button struct{ Text, Link string }

type fact struct{ Label, Text string }

// ownLine is one line of a tenant's text: a text, or the letter's link alone.
type ownLine struct{ Text, Link string }

// html is the HTML part.
func (c content) html(layout *template.Template) (string, error) {
	var out bytes.Buffer
	if err := layout.Execute(&out, c); err != nil {
		return "", fmt.Errorf("render a mail: %w", err)
	}
	if out.Len() > maxHTML {
		return "", errors.New("the mail is too long")
	}
	return out.String(), nil
}

// text is the text part: paragraphs with a blank line between them.
func (c content) text() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	for _, paragraph := range c.Own {
		var lines []string
		for _, l := range paragraph {
			lines = append(lines, l.Text+l.Link)
		}
		add(strings.Join(lines, "\n"))
	}
	if len(c.Own) == 0 {
		add(c.Hello)
		add(c.Lead)
		for _, more := range c.More { // some are empty
			add(more)
		}
		add(c.Button.text())
		add(factsText(c.Facts))
		add(c.Safety)
		add(c.SafetyButton.text())
	}
	add("-- \n" + c.Footer)
	add(c.Autofill)
	return strings.Join(parts, "\n\n") + "\n"
}

func (b *button) text() string {
	if b == nil {
		return ""
	}
	return b.Text + ":\n" + b.Link
}

func factsText(facts []fact) string {
	var lines []string
	for _, f := range facts {
		lines = append(lines, f.Label+": "+f.Text)
	}
	return strings.Join(lines, "\n")
}

// defaultAccent is the colour of buttons when the tenant has none.
const defaultAccent = "#2f5bd7"

var accentForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// colours are the background and the text of a button. Black or white can be read
// on every colour.
func colours(accent string) (background, text template.CSS) {
	if !accentForm.MatchString(accent) {
		accent = defaultAccent
	}
	// The luminance of WCAG 2.2; from 0.179 on black has the greater contrast.
	light := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, _ := strconv.ParseUint(accent[1+2*i:3+2*i], 16, 8) // six hexadecimal digits
		s := float64(v) / 255
		if s <= 0.04045 {
			light += weight * s / 12.92
		} else {
			light += weight * math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	text = "#ffffff"
	if light > 0.179 {
		text = "#000000"
	}
	return template.CSS(accent), text //nolint:gosec // six hexadecimal digits
}
