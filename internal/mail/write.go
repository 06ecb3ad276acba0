package mail

import (
	"math"
	"time"

	"github.com/lanyard-id/lanyard"
)

// writing is one letter on its way to be written.
type writing struct {
	letter   Letter
	envelope Envelope
	shape    shape
	// to is the checked address, host that of the issuer.
	to, host string
	tongue   *tongue
}

// in is the writing in one of our languages.
func (w writing) in(all words, lang string) writing {
	w.tongue = &tongue{localizer: all[lang], lang: lang, data: map[string]any{
		"Tenant": w.tenant(), "Issuer": w.envelope.Issuer, "To": w.to,
		"Code": spaced(w.letter.Code), "Name": name(w.letter.Name), "Subject": line(w.letter.Subject),
		"Organization": name(w.letter.Organization), "Inviter": name(w.letter.Inviter),
	}}
	return w
}

func (w writing) tenant() string { return line(w.envelope.Tenant.Name) }

// ours is the content in our own words.
func (w writing) ours() (content, error) {
	t, kind := w.tongue, string(w.letter.Kind)
	out := w.frame()
	variant := w.variant()
	out.Subject = line(t.say(kind + ".subject" + variant))
	if w.shape.greets {
		out.Hello = w.hello()
	}
	out.Lead = w.lead(kind, variant)
	if variant == "" {
		out.More = append(out.More, t.maybe(kind+".more"))
	}
	if w.shape.code {
		out.Code = spaced(w.letter.Code)
	}
	if w.shape.code || w.shape.link {
		out.More = append(out.More, w.lives())
	}
	out.Button, out.Facts = w.button(kind), w.facts()
	if w.shape.safety != "" {
		out.Safety = t.say(w.shape.safety)
	}
	out.SafetyButton = w.safetyButton()
	return out, t.err
}

// variant chooses among the words of a kind, by what the letter lacks.
func (w writing) variant() string {
	switch {
	case w.shape.code && w.letter.Code == "":
		return "_link"
	case w.shape.organization && w.letter.Organization == "":
		return "_platform"
	case w.shape.organization && w.tongue.data["Organization"] == "":
		return "_unnamed"
	}
	return ""
}

// frame is what is around the words of every mail.
func (w writing) frame() content {
	out := content{Tenant: w.tenant(), Footer: w.tongue.say("footer")}
	out.Accent, out.OnAccent = colours(w.envelope.Tenant.Branding.Accent)
	if w.shape.code && w.letter.Code != "" {
		out.Autofill = "@" + w.host + " #" + line(w.letter.Code)
	}
	return out
}

// lead is the first thing that a mail says. Some kinds say more when the letter does.
func (w writing) lead(kind, variant string) string {
	if expires := w.date("date.layout", w.letter.Expires); expires != "" {
		if text := w.tongue.maybe(kind+".lead_expires", "Expires", expires); text != "" {
			return text
		}
	}
	if w.letter.Subject != "" {
		if text := w.tongue.maybe(kind + ".lead_subject"); text != "" {
			return text
		}
	}
	if variant == "" && w.tongue.data["Inviter"] != "" {
		if text := w.tongue.maybe(kind + ".lead_by"); text != "" {
			return text
		}
	}
	return w.tongue.say(kind+".lead"+variant, "Thing", w.thing())
}

func (w writing) hello() string {
	if w.tongue.data["Name"] == "" {
		return w.tongue.say("hello.nobody")
	}
	return w.tongue.say("hello.name")
}

// thing is what a notice about a factor is about.
func (w writing) thing() string {
	if w.letter.Kind != lanyard.MailFactorAdded && w.letter.Kind != lanyard.MailFactorRemoved {
		return ""
	}
	switch w.letter.Subject {
	case "totp", "passkey", "recovery_codes", "password":
		return w.tongue.say("factor." + w.letter.Subject)
	case "":
		return w.tongue.say("factor.unknown")
	}
	return w.tongue.say("factor.named")
}

// lives says how long code and link work; nothing if the letter does not say.
func (w writing) lives() string {
	from := w.letter.At
	if from.IsZero() {
		from = w.envelope.Date
	}
	life := w.letter.Expires.Sub(from)
	switch {
	case w.letter.Expires.IsZero() || life <= 0:
		return ""
	case life <= 2*time.Hour:
		return w.tongue.say("lives.minutes", "Count", int(math.Ceil(life.Minutes())), "Until", w.date("time.layout", w.letter.Expires))
	}
	if life > 48*time.Hour {
		return w.tongue.say("lives.days", "Count", int(math.Round(life.Hours()/24)), "Until", w.date("date.layout", w.letter.Expires))
	}
	return w.tongue.say("lives.hours", "Count", int(math.Round(life.Hours())), "Until", w.date("date.layout", w.letter.Expires))
}

// button leads to the letter's link, or to the page of the kind. The link of a
// notice without a page is for whoever did not do it.
func (w writing) button(kind string) *button {
	link := w.letter.Link
	if link == "" && w.shape.page != "" {
		link = w.envelope.Issuer + w.shape.page
	}
	label := w.tongue.maybe(kind + ".button")
	if link == "" || label == "" {
		return nil
	}
	return &button{Text: label, Link: link}
}

// safetyButton leads whoever did not do it to the letter's link, or to the account's activity.
func (w writing) safetyButton() *button {
	switch {
	case !w.shape.notice:
		return nil
	case w.letter.Link != "" && w.shape.page == "":
		return &button{Text: w.tongue.say("safety.not_me_button"), Link: w.letter.Link}
	}
	return &button{Text: w.tongue.say("safety.notice_button"), Link: w.envelope.Issuer + pathActivity}
}

// facts say when and from where something was done, and on the way to what.
func (w writing) facts() []fact {
	var out []fact
	add := func(key, text string) {
		if text != "" {
			out = append(out, fact{w.tongue.say(key), text})
		}
	}
	add("fact.at", w.date("date.layout", w.letter.At))
	add("fact.app", name(w.letter.App))
	add("fact.device", w.device())
	add("fact.address", line(w.letter.Address))
	return out
}

func (w writing) device() string {
	browser, system := Device(w.letter.UserAgent)
	if browser == "" || system == "" {
		return browser + system
	}
	return w.tongue.say("device.both", "Browser", browser, "System", system)
}

// date writes a moment, in UTC; empty for none.
func (w writing) date(layout string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(w.tongue.say(layout))
}
