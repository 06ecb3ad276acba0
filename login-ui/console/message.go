package console

import (
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// messages are the pages of the tenant's mails.
func (c *Console) messages() {
	const (
		area = "/messages"
		read = lanyard.MayReadSettings
		do   = lanyard.MayManageSettings
	)
	c.page(screen{path: area, area: area, permission: read, show: c.messageList})
	c.form(deed{path: "/messages/test", area: area, permission: do, from: c.messageList, do: func(x *visit) (outcome, error) {
		if err := c.Management.TestMail(x.ctx(), x.Administrator); err != nil {
			return outcome{}, err
		}
		return x.done("sent", area)
	}})
	c.page(screen{path: "/message", area: area, permission: read, show: c.mailPage})
	c.editor(deed{path: "/message/edit", area: area, permission: do, from: c.editMessage, do: c.changeMessage})
	c.form(deed{path: "/message/remove", area: area, permission: do, from: c.mailPage, do: func(x *visit) (outcome, error) {
		if err := c.Management.RemoveMailTemplate(x.ctx(), x.Administrator, x.mailKind(), x.q("item"), nil); err != nil {
			return outcome{}, err
		}
		return x.done("removed", "/message", "id", x.id(), "item", x.q("item"))
	}})
	c.part(fragment{path: "/message/preview", permission: do, template: "mail", look: func(x *visit) (any, error) {
		shown, err := c.Management.PreviewMail(x.ctx(), x.Administrator, x.mailKind(), x.q("item"), management.MailTemplate{Subject: x.form.Get("subject"), Text: x.unixLines("text")})
		if lanyard.KindOf(err) == lanyard.Invalid {
			return mailPreview{Wrong: sentence(messageOf(err))}, nil
		}
		return mailPreview{Subject: shown.Subject, Text: shown.Text}, err
	}})
}

// mailPreview is a mail as it arrives, with sample data.
type mailPreview struct{ Subject, Text, Wrong string }

func (x *visit) mailKind() lanyard.MailKind { return lanyard.MailKind(x.id()) }

// unixLines is a text with the line ends that mails are written with.
func (x *visit) unixLines(name string) string {
	return strings.ReplaceAll(x.form.Get(name), "\r\n", "\n")
}

// mailName is a kind of mail in words.
func mailName(kind lanyard.MailKind) string {
	words := strings.ReplaceAll(string(kind), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

func (c *Console) messageList(x *visit) (*view, error) {
	t, err := listOf(x, listing[management.MailKind]{
		path: "/messages", columns: management.MailKindColumns, search: "Search by kind", heads: []string{"Mail", "Own text in", "Variables"}, deed: c.Management.MailKinds, limit: management.MaxLimit,
		row: func(k management.MailKind) []cell {
			return []cell{to(mailName(k.Kind), x.at("/message", "id", string(k.Kind), "item", "en")), named(k.Languages, "ours is sent"), soft(strings.Join(k.Variables, ", "))}
		},
		empty: empty{Text: "There is no mail."},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Messages", Lead: "The mails that people get. Each has a text of ours in several languages, and can have one of yours.", Copy: []command{{Method: http.MethodGet, Path: "/mail-templates"}}}
	if x.may(lanyard.MayReadEvents) {
		v.Actions = []link{{"What was sent", x.at("/events", "type", "mail.queued")}, {"What failed", x.at("/events", "type", "mail.failed")}}
	}
	v.add(t)
	if x.may(lanyard.MayManageSettings) && !x.elsewhere() {
		v.add(form{Title: "Send a test", Text: "A mail goes to your own address, if that is verified. It shows whether the mail server takes what is sent.", Action: x.at("/messages/test"), Submit: "Send"})
	}
	return v, nil
}

// mailLanguages are those in which our own texts are.
var mailLanguages = []string{"en", "de"}

// mailPage is the page of one kind of mail in one language.
func (c *Console) mailPage(x *visit) (*view, error) {
	shown, err := c.Management.PreviewMail(x.ctx(), x.Administrator, x.mailKind(), x.q("item"), management.MailTemplate{})
	if err != nil {
		return nil, err
	}
	own, err := c.Management.MailTemplate(x.ctx(), x.Administrator, x.mailKind(), x.q("item"))
	if err != nil && lanyard.KindOf(err) != lanyard.NotFound {
		return nil, err
	}
	mine := err == nil
	at := "/mail-templates/" + x.id() + "/" + x.q("item")
	v := &view{Title: mailName(x.mailKind()), Crumbs: []link{{"Messages", x.at("/messages")}}, Copy: []command{{Method: http.MethodPost, Path: at + "/preview", Body: "{}"}}}
	v.Actions = x.whoMay(lanyard.MayManageSettings, link{"Write your own", x.at("/message/edit", "id", x.id(), "item", x.q("item"))})
	if mine && len(v.Actions) > 0 {
		v.Actions[0].Text = "Change"
	}
	f := facts{}
	f.put("Language", text(x.q("item"))).put("Text", map[bool]cell{true: tag("Yours", "good"), false: tag("Ours", "plain")}[mine])
	var others []cell
	for _, tag := range mailLanguages {
		if tag != x.q("item") {
			others = append(others, to(tag, x.at("/message", "id", x.id(), "item", tag)))
		}
	}
	f.put("In other languages", tags(others...))
	v.add(f, snippet{Title: "How it looks: " + shown.Subject, Text: shown.Text})
	if mine && x.may(lanyard.MayManageSettings) {
		v.Copy = append(v.Copy, command{Method: http.MethodGet, Path: at})
		v.add(form{Title: "Go back to ours", Text: "Your text “" + own.Subject + "” is forgotten.", Action: x.at("/message/remove", "id", x.id(), "item", x.q("item")), Submit: "Remove yours", Danger: true})
	}
	return v, nil
}

func (c *Console) editMessage(x *visit) (*view, error) {
	own, err := c.Management.MailTemplate(x.ctx(), x.Administrator, x.mailKind(), x.q("item"))
	if err != nil && lanyard.KindOf(err) != lanyard.NotFound {
		return nil, err
	}
	kinds, err := c.Management.MailKinds(x.ctx(), x.Administrator, management.Query{Limit: management.MaxLimit})
	if err != nil {
		return nil, err
	}
	var variables []string
	for _, k := range kinds.Items {
		if k.Kind == x.mailKind() {
			for _, name := range k.Variables {
				variables = append(variables, "{{."+name+"}}")
			}
		}
	}
	if len(variables) == 0 {
		return nil, lanyard.ErrNotFound
	}
	back := x.at("/message", "id", x.id(), "item", x.q("item"))
	text := area("text", "Text", []string{own.Text}, "Plain text. These stand for what differs: "+strings.Join(variables, ", ")+".")
	text.Into = "preview"
	v := &view{Title: "Text of “" + mailName(x.mailKind()) + "” in " + x.q("item"), Crumbs: []link{{"Messages", x.at("/messages")}, {mailName(x.mailKind()), back}}}
	v.Copy = []command{{Method: http.MethodPut, Path: "/mail-templates/" + x.id() + "/" + x.q("item"), Body: `{"subject":"…","text":"…"}`}}
	return v.add(form{
		Action: x.at("/message/edit", "id", x.id(), "item", x.q("item")), Submit: "Save", Cancel: back, Live: x.at("/message/preview", "id", x.id(), "item", x.q("item")),
		Fields: []field{required(input("subject", "Subject", own.Subject, "")), text},
	}), nil
}

func (c *Console) changeMessage(x *visit) (outcome, error) {
	given := management.MailTemplate{Subject: x.field("subject"), Text: x.unixLines("text")}
	if _, err := c.Management.PutMailTemplate(x.ctx(), x.Administrator, x.mailKind(), x.q("item"), given); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/message", "id", x.id(), "item", x.q("item"))
}
