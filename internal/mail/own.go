package mail

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

// Bounds of a tenant's own template, in bytes.
const (
	maxOwnSubject = 300
	maxOwnText    = 8 << 10
)

// own is the content by a tenant's template.
func (w writing) own(t lanyard.MailTemplate) (content, error) {
	values := w.values()
	subject, err := execute(t.Subject, maxOwnSubject, values)
	if err != nil {
		return content{}, fmt.Errorf("subject: %w", err)
	}
	text, err := execute(t.Text, maxOwnText, values)
	if err != nil {
		return content{}, fmt.Errorf("text: %w", err)
	}
	out := w.frame()
	if out.Subject = line(subject); out.Subject == "" {
		return content{}, errors.New("the subject is empty")
	}
	if !w.shape.reaches(w.letter, text) {
		return content{}, errors.New("the text has neither the code nor the link")
	}
	out.Own = paragraphs(text, w.letter.Link)
	return out, w.tongue.err
}

// reaches tells whether a text has the code or the link, whichever the kind is for.
func (s shape) reaches(l Letter, text string) bool {
	hasCode := s.code && l.Code != "" && strings.Contains(text, spaced(l.Code))
	hasLink := s.link && l.Link != "" && strings.Contains(text, l.Link)
	return hasCode || hasLink || !s.code && !s.link
}

// values are the letter's fields as a template sees them: text, and nothing that can be called.
func (w writing) values() map[string]string {
	return map[string]string{
		"Tenant": w.tenant(), "To": w.to, "Name": name(w.letter.Name), "Code": spaced(w.letter.Code), "Link": w.letter.Link,
		"App": name(w.letter.App), "Organization": name(w.letter.Organization), "Inviter": name(w.letter.Inviter),
		"Subject": line(w.letter.Subject), "Address": line(w.letter.Address), "Device": w.device(),
		"At": w.date("date.layout", w.letter.At), "Expires": w.date("date.layout", w.letter.Expires),
	}
}

// paragraphs splits a text at blank lines.
func paragraphs(text, link string) [][]ownLine {
	var out [][]ownLine
	for _, part := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		var lines []ownLine
		for l := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			switch l = harmless(l); {
			case link != "" && l == link:
				lines = append(lines, ownLine{Link: l})
			case l != "" || len(lines) > 0:
				lines = append(lines, ownLine{Text: l})
			}
		}
		if len(lines) > 0 {
			out = append(out, lines)
		}
	}
	return out
}

// execute runs a template of at most max bytes, to at most as many.
func execute(text string, maximum int, values map[string]string) (string, error) {
	t, err := compile(text, maximum)
	if err != nil {
		return "", err
	}
	var out bounded
	out.left = maximum
	if err := t.Execute(&out, values); err != nil {
		return "", fmt.Errorf("run the template: %w", err)
	}
	return out.text.String(), nil
}

// compile parses a template and refuses whatever is more than a field or a choice:
// a function can take forever, and a loop can fill the memory.
func compile(text string, maximum int) (*template.Template, error) {
	if len(text) > maximum || !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is longer than %d bytes, or no text", maximum)
	}
	t, err := template.New("mail").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	if t.Tree == nil || len(t.Templates()) > 1 {
		return nil, errors.New("it is empty, or has templates of its own")
	}
	return t, plain(t.Root)
}

// plain refuses every node of a template but text, fields and choices by a field.
func plain(list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		var err error
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			err = plainField(n.Pipe)
		case *parse.IfNode:
			err = errors.Join(plainField(n.Pipe), plain(n.List), plain(n.ElseList))
		default:
			err = fmt.Errorf("%s is not allowed", node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func plainField(pipe *parse.PipeNode) error {
	if len(pipe.Decl) == 0 && len(pipe.Cmds) == 1 && len(pipe.Cmds[0].Args) == 1 {
		if field, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode); ok && len(field.Ident) == 1 {
			return nil
		}
	}
	return fmt.Errorf("{{%s}} is not allowed: only fields like {{.Code}} and {{if .Name}} are", pipe)
}

// bounded is a text that grows up to a limit.
type bounded struct {
	text strings.Builder
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrShortWrite
	}
	return b.text.Write(p)
}

// CheckTemplate tells what is wrong with a tenant's template for a kind of mail:
// whether it can be read and run, and has what the kind is for. The error is lanyard.ErrBadInput.
func CheckTemplate(kind lanyard.MailKind, t lanyard.MailTemplate) error {
	s, known := shapes[kind]
	if !known {
		return lanyard.ErrBadInput.Saying("there is no mail of kind " + string(kind))
	}
	speak, err := newWords()
	if err != nil {
		return err
	}
	w := writing{letter: sample(kind), shape: s, to: "ada@example.test", host: "id.example.test"}
	w.envelope.Tenant.Name = "Tenant"
	if _, err := w.in(speak, spoken[0].String()).own(t); err != nil {
		return lanyard.ErrBadInput.Saying("the mail template of " + string(kind) + ": " + err.Error())
	}
	return nil
}

// sample is a letter that has everything.
func sample(kind lanyard.MailKind) Letter {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	return Letter{
		Kind: kind, To: "ada@example.test", Name: "Ada Lovelace", Code: "482913", Link: "https://id.example.test/link", App: "Grafana",
		At: at, Address: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Subject: "totp", Expires: at.Add(10 * time.Minute),
		Organization: "Acme", Inviter: "Grace Hopper",
	}
}

// Kinds lists all kinds of mail, sorted.
func Kinds() []lanyard.MailKind {
	out := make([]lanyard.MailKind, 0, len(shapes))
	for kind := range shapes {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}
