package e2e

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// person signs in, uses tokens and signs out, over and over, until the server is
// gone, and remembers what it was told.
type person struct {
	t *testing.T
	o *operator
	// live was answered and not used since; dead belongs to a session whose end was answered.
	live, dead string
	// unsure is in flight: the server may have done it or not.
	unsure bool
	done   map[string]int
	// turned counts the sign-outs of all.
	turned *atomic.Int64
}

// meet lets all go on at once; the function it returns waits until all have
// stopped and tells what was done. Turned counts those who went all the way round.
func meet(people []*person) (turned *atomic.Int64, crowd func() map[string]int) {
	var group sync.WaitGroup
	turned = new(atomic.Int64)
	for _, p := range people {
		p.done, p.turned = map[string]int{}, turned
		group.Go(p.lives)
	}
	return turned, func() map[string]int {
		group.Wait()
		sum := map[string]int{}
		for _, p := range people {
			for what, n := range p.done {
				sum[what] += n
			}
		}
		return sum
	}
}

// lives is one life of a person.
func (p *person) lives() {
	web := p.o.idp().Client("web")
	for p.visit(web) {
	}
}

// visit is a sign-in with everything after it; false when the server is gone.
func (p *person) visit(web *idp.Client) bool {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Error(err)
		return false
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	code := p.signIn(client, web)
	if code == "" {
		return false
	}
	p.done["sign-in"]++
	tokens, err := web.Try("/oauth/token", web.Exchanging(code, nil))
	if err != nil {
		return false
	}
	p.expect("code", tokens)
	p.live, p.unsure = tokens.Text("refresh_token"), false
	for range 3 {
		a, err := web.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.live}})
		if err != nil {
			return false
		}
		p.expect("refresh", a)
		p.live = a.Text("refresh_token")
	}
	p.unsure = true
	answer, err := client.Get(p.o.issuer + "/oauth/logout?" + url.Values{"id_token_hint": {tokens.Text("id_token")}}.Encode()) //nolint:noctx // a test
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return false
	}
	if answer.StatusCode != http.StatusOK {
		p.t.Errorf("logout: %d", answer.StatusCode)
	}
	p.done["logout"]++
	p.turned.Add(1)
	p.dead, p.live, p.unsure = p.live, "", false
	return true
}

func (p *person) expect(what string, a idp.Answer) {
	if a.Status != http.StatusOK || a.Text("refresh_token") == "" {
		p.t.Errorf("%s: %d %s", what, a.Status, a.Raw)
	}
	p.done[what]++
}

// signIn goes through the pages; the code is empty when the server is gone.
func (p *person) signIn(client *http.Client, web *idp.Client) string {
	answer, err := client.Get(web.Authorize(nil)) //nolint:noctx // a test
	for _, field := range [][2]string{{"username", ada}, {"password", adaPassword}} {
		if err != nil {
			return ""
		}
		action, form, rerr := readForm(answer, field[0])
		if rerr != nil {
			p.puzzled(rerr)
			return ""
		}
		form.Set(field[0], field[1])
		answer, err = client.PostForm(action, form) //nolint:noctx // a test
	}
	if err != nil {
		return ""
	}
	_ = answer.Body.Close()
	location, err := answer.Location()
	if err != nil || location.Query().Get("code") == "" {
		p.t.Errorf("the sign-in ends with %d at %v", answer.StatusCode, location)
		return ""
	}
	return location.Query().Get("code")
}

// puzzled complains about a page, unless the server went away while it was read.
func (p *person) puzzled(err error) {
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		p.t.Error(err)
	}
}

// readForm reads the form of a page that asks for a field.
func readForm(answer *http.Response, field string) (string, url.Values, error) {
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return "", nil, err
	}
	page, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		return "", nil, err
	}
	for form := range page.Descendants() {
		if form.Data != "form" {
			continue
		}
		fields := url.Values{}
		for n := range form.Descendants() {
			if name := attribute(n, "name"); n.Data == "input" && attribute(n, "type") != "checkbox" {
				fields.Set(name, attribute(n, "value"))
			}
		}
		if fields.Has(field) {
			action, err := answer.Request.URL.Parse(attribute(form, "action"))
			return action.String(), fields, err
		}
	}
	return "", nil, fmt.Errorf("%s (%d) does not ask for %s", answer.Request.URL, answer.StatusCode, field)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// holds wants what the person was told to be true after a restart.
func (p *person) holds(where string) {
	p.t.Helper()
	web := p.o.idp().Client("web")
	if p.dead != "" {
		if a := web.Refresh(p.dead, nil); a.Status != http.StatusBadRequest {
			p.t.Errorf("%s: the token of an ended session gets %d %s", where, a.Status, a.Raw)
		}
	}
	if p.live != "" && !p.unsure {
		if a := web.Refresh(p.live, nil); a.Status != http.StatusOK {
			p.t.Errorf("%s: the last answered token gets %d %s", where, a.Status, a.Raw)
		}
	}
}

// TestKilledUnderMixedLoad kills the server at random while people sign in, codes
// are redeemed, tokens rotate and sessions end. Nothing half-done is found
// afterwards, and what was answered holds (ATTACKS.md 265).
func TestKilledUnderMixedLoad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		o := operates(t, database)
		seeded(t, o.database)
		for round := range testkit.Rounds(2, 50) {
			o.serve()
			people := make([]*person, 4)
			for at := range people {
				people[at] = &person{t: t, o: o}
			}
			turned, crowd := meet(people)
			eventually(t, 20*time.Second, "somebody signs in and out", func() bool { return turned.Load() > 0 })
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			o.server.Kill()
			t.Logf("round %d: %v", round, crowd())
			o.serve()
			fsck(o)
			for at, p := range people {
				p.holds(fmt.Sprintf("round %d, person %d", round, at))
			}
			o.server.Kill()
		}
	})
}
