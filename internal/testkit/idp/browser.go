package idp

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func splitHostPort(address string) (host, port string, err error) { return net.SplitHostPort(address) }

// Browser keeps cookies, follows redirects as long as they stay with the issuer,
// and fills in forms.
type Browser struct {
	idp  *IDP
	jar  http.CookieJar
	http *http.Client
	t    testing.TB
}

// Browser opens a new browser.
func (i *IDP) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	must(i.t, err)
	b := &Browser{idp: i, jar: jar, t: i.t}
	b.http = &http.Client{Jar: jar, Transport: i.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return b
}

// Cookies are those that the browser would send to the issuer.
func (b *Browser) Cookies() []*http.Cookie {
	u, err := url.Parse(b.idp.Issuer)
	must(b.t, err)
	return b.jar.Cookies(u)
}

// Page is what the browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	// Away is where the last redirect led, if that is not with the issuer.
	Away *url.URL
	node *html.Node
}

// Form is a form of a page.
type Form struct {
	Action string
	Method string
	Values url.Values
	// Buttons maps the ids of submit buttons to their name and value.
	Buttons map[string][2]string
}

// maxHops bounds the redirects that are followed.
const maxHops = 10

// Get opens a URL, absolute or a path of the issuer.
func (b *Browser) Get(target string) *Page {
	b.t.Helper()
	return b.open(http.MethodGet, target, nil, nil)
}

// Post sends a form, as a page of the issuer would.
func (b *Browser) Post(target string, form url.Values) *Page {
	b.t.Helper()
	return b.open(http.MethodPost, target, form, http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

// PostFrom sends a form with headers of the test's own.
func (b *Browser) PostFrom(target string, form url.Values, header http.Header) *Page {
	b.t.Helper()
	return b.open(http.MethodPost, target, form, header)
}

// Once sends one request to a path of the issuer, as a page of it would, and follows no redirect.
func (b *Browser) Once(method, path string, form url.Values) *Page {
	b.t.Helper()
	if form == nil && method == http.MethodPost {
		form = url.Values{}
	}
	return b.once(method, b.idp.Issuer+path, form, http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

func (b *Browser) open(method, target string, form url.Values, header http.Header) *Page {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.idp.Issuer + target
	}
	for range maxHops {
		page := b.once(method, target, form, header)
		location := page.Header.Get("Location")
		if location == "" {
			return page
		}
		next, err := page.URL.Parse(location)
		must(b.t, err)
		if next.Host != page.URL.Host || next.Scheme != page.URL.Scheme {
			page.Away = next
			return page
		}
		method, target, form, header = http.MethodGet, next.String(), nil, nil
	}
	b.t.Fatalf("more than %d redirects, at last to %s", maxHops, target)
	return nil
}

func (b *Browser) once(method, target string, form url.Values, header http.Header) *Page {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, target, body)
	must(b.t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(r)
	must(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	must(b.t, err)
	page := &Page{URL: r.URL, Status: answer.StatusCode, Header: answer.Header, Body: string(data)}
	page.node, err = html.Parse(strings.NewReader(page.Body))
	must(b.t, err)
	return page
}

// Form finds the form that has the element with the id; it fails the test if there is none.
func (b *Browser) Form(p *Page, id string) Form {
	b.t.Helper()
	for button := range p.find("#" + id) {
		if owner := attribute(button, "form"); owner != "" { // it may stand anywhere
			f := b.FormByID(p, owner)
			f.Buttons[id] = [2]string{attribute(button, "name"), attribute(button, "value")}
			return f
		}
	}
	for form := range elements(p.node, "form") {
		f := readForm(form)
		if _, found := f.Buttons[id]; found {
			return f
		}
	}
	b.t.Fatalf("%s has no form with #%s (status %d):\n%s", p.URL, id, p.Status, p.Body)
	return Form{}
}

// Has tells whether the page has an element with the id.
func (p *Page) Has(id string) bool {
	for n := range p.node.Descendants() {
		if attribute(n, "id") == id {
			return true
		}
	}
	return false
}

// Text is the text of the first element with the tag, or of the one with #id.
func (p *Page) Text(selector string) string {
	for n := range p.find(selector) {
		return textOf(n)
	}
	return ""
}

// Texts are the texts of all elements with a tag below the element with an id, as "#id tag".
func (p *Page) Texts(selector string) []string {
	id, tag, _ := strings.Cut(selector, " ")
	var out []string
	for n := range p.find(id) {
		for d := range elements(n, tag) {
			out = append(out, textOf(d))
		}
	}
	return out
}

// find walks the elements with a tag, or the one with #id.
func (p *Page) find(selector string) func(func(*html.Node) bool) {
	id, byID := strings.CutPrefix(selector, "#")
	if !byID {
		return elements(p.node, selector)
	}
	return func(yield func(*html.Node) bool) {
		for n := range p.node.Descendants() {
			if attribute(n, "id") == id {
				yield(n)
				return
			}
		}
	}
}

// FormByID finds the form with the id; it fails the test if there is none.
func (b *Browser) FormByID(p *Page, id string) Form {
	b.t.Helper()
	for n := range p.find("#" + id) {
		return readForm(n)
	}
	b.t.Fatalf("%s has no form #%s (status %d):\n%s", p.URL, id, p.Status, p.Body)
	return Form{}
}

// Press fills in the form that has the button and presses it.
func (b *Browser) Press(p *Page, button string, fields url.Values) *Page {
	b.t.Helper()
	f := b.Form(p, button)
	for name, values := range fields {
		f.Values[name] = values
	}
	if named := f.Buttons[button]; named[0] != "" {
		f.Values.Set(named[0], named[1])
	}
	action, err := p.URL.Parse(f.Action)
	must(b.t, err)
	return b.Post(action.String(), f.Values)
}

// SignIn walks through the pages until the browser is sent away, or no page is
// one that a person signing in would expect.
func (b *Browser) SignIn(authorize, username, password string) *Page {
	b.t.Helper()
	return b.Walk(b.Get(authorize), username, password)
}

// Walk goes on from a page like SignIn.
func (b *Browser) Walk(page *Page, username, password string) *Page {
	b.t.Helper()
	for range maxHops {
		switch {
		case page.Away != nil:
			return page
		case page.Has("login-continue"):
			page = b.Press(page, "login-continue", url.Values{"username": {username}})
		case page.Has("login-submit") && page.Status == http.StatusOK && page.Text("title") != "" && !strings.HasPrefix(page.Text("title"), "Error"):
			page = b.Press(page, "login-submit", url.Values{"password": {password}})
		case page.Has("consent-allow"):
			page = b.Press(page, "consent-allow", nil)
		default:
			return page
		}
	}
	return page
}

func elements(root *html.Node, tag string) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == tag && !yield(n) {
				return
			}
		}
	}
}

func readForm(form *html.Node) Form {
	f := Form{Action: attribute(form, "action"), Method: attribute(form, "method"), Values: url.Values{}, Buttons: map[string][2]string{}}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name, value := attribute(n, "name"), attribute(n, "value")
		switch {
		case n.Data == "button" && attribute(n, "form") != "" && attribute(n, "form") != attribute(form, "id"): // another form's
		case n.Data == "button":
			f.Buttons[attribute(n, "id")] = [2]string{name, value}
		case n.Data == "input" && name != "" && attribute(n, "type") != "checkbox" && attribute(n, "type") != "radio":
			f.Values.Add(name, value)
		}
	}
	return f
}

// Forms are those of the page, with everything that a browser would send of them.
func (p *Page) Forms() []Form {
	var out []Form
	for form := range elements(p.node, "form") {
		f := readForm(form)
		for n := range form.Descendants() {
			name := attribute(n, "name")
			switch {
			case n.Type != html.ElementNode || name == "":
			case n.Data == "textarea":
				f.Values.Add(name, strings.TrimPrefix(rawText(n), "\n"))
			case n.Data == "select":
				f.Values.Add(name, selected(n))
			case n.Data == "input" && attribute(n, "type") == "checkbox" && has(n, "checked"):
				f.Values.Add(name, attribute(n, "value"))
			}
		}
		out = append(out, f)
	}
	return out
}

// selected is the value of the option that is chosen, the first one if none is.
func selected(list *html.Node) string {
	value, found := "", false
	for option := range elements(list, "option") {
		if has(option, "selected") || !found {
			value, found = attribute(option, "value"), true
		}
	}
	return value
}

func rawText(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// String shows the page in failures.
func (p *Page) String() string { return fmt.Sprintf("%d %s %q", p.Status, p.URL, p.Text("h1")) }

// SetCookie puts a cookie of the issuer into the browser.
func (b *Browser) SetCookie(c *http.Cookie) {
	b.t.Helper()
	u, err := url.Parse(b.idp.Issuer)
	must(b.t, err)
	b.jar.SetCookies(u, []*http.Cookie{c})
}

// ChooseAccount presses the button of the account chooser that names the account.
func (b *Browser) ChooseAccount(p *Page, name string) *Page {
	b.t.Helper()
	for form := range elements(p.node, "form") {
		for button := range elements(form, "button") {
			if strings.Contains(textOf(button), name) {
				return b.press(p, form, button)
			}
		}
	}
	b.t.Fatalf("%s has no account %q:\n%s", p, name, p.Body)
	return nil
}

// ChooseAnother presses the button for an account that is not listed.
func (b *Browser) ChooseAnother(p *Page) *Page {
	b.t.Helper()
	return b.ChooseAccount(p, "another account")
}

func (b *Browser) press(p *Page, form, button *html.Node) *Page {
	b.t.Helper()
	f := readForm(form)
	if name := attribute(button, "name"); name != "" {
		f.Values.Set(name, attribute(button, "value"))
	}
	action, err := p.URL.Parse(f.Action)
	must(b.t, err)
	return b.Post(action.String(), f.Values)
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
