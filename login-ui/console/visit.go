package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// visit is one request of an administrator.
type visit struct {
	management.Administrator
	c    *gin.Context
	site web.Site
	// root is below which the links of the page are: /console, or that of another tenant.
	root string
	// area is the entry of the navigation that the page belongs to.
	area string
	// form is what was posted; nil for a page that is only shown.
	form url.Values
	// verified is the token of the person.
	verified token.Verified
}

func (x *visit) ctx() context.Context { return x.c.Request.Context() }

// q is a parameter of the address.
func (x *visit) q(name string) string { return x.c.Query(name) }

// id is the thing that the page is about.
func (x *visit) id() string { return x.q("id") }

// at is the address of a path of the console, with parameters as pairs. Empty ones are left out.
func (x *visit) at(path string, pairs ...string) string {
	return web.Local(x.site, x.root+path, query(pairs...)).Location()
}

func query(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

// may tells whether the person may do something here.
func (x *visit) may(permission string) bool { return x.Powers.May(permission) }

// field is what was posted in a field, without the blanks around it.
func (x *visit) field(name string) string { return strings.TrimSpace(x.form.Get(name)) }

// ticked tells whether a box was ticked.
func (x *visit) ticked(name string) bool { return x.form.Get(name) != "" }

// lines are the non-empty lines of a field.
func (x *visit) lines(name string) []string { return split(x.form.Get(name), "\n") }

// words are the words of a field, divided by blanks or commas.
func (x *visit) words(name string) []string {
	return strings.Fields(strings.ReplaceAll(x.form.Get(name), ",", " "))
}

func split(text, by string) []string {
	var out []string
	for part := range strings.SplitSeq(text, by) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// elsewhere tells whether the page is about another tenant than the person's own.
func (x *visit) elsewhere() bool { return x.root != base }

// errSignIn says that nobody is signed in who could be let in.
var errSignIn = &lanyard.Error{Kind: lanyard.Unauthenticated, Code: "sign_in_ended", Message: "sign in to go on"}

// errNoPowers says that somebody is signed in who administers nothing here.
var errNoPowers = &lanyard.Error{Kind: lanyard.Denied, Code: "no_administrator", Message: "you do not administer this tenant"}

// enter lets an administrator in.
func (c *Console) enter(g *gin.Context, permission string) (*visit, error) {
	ctx := g.Request.Context()
	x := &visit{c: g, site: web.SiteOf(ctx), root: base}
	home, live := tenants.Target(ctx)
	if live != home && live != nil {
		x.root = base + "/tenants/" + live.Tenant.Slug
	}
	presented := web.Console(g.Request, x.site)
	if presented.IsZero() {
		return x, errSignIn
	}
	v, err := c.Issuer.Access(ctx, home, presented.Reveal())
	if lanyard.KindOf(err) == lanyard.Unauthenticated || (err == nil && v.ClientID != lanyard.ConsoleClient) {
		return x, errSignIn
	}
	if err != nil {
		return x, err
	}
	web.NoteClient(ctx, v.ClientID)
	x.verified = v
	if live == nil { // a tenant that is not there; who asks is looked at all the same
		if x.Administrator, err = c.Management.Enter(ctx, home, home, v); err == nil && x.may(lanyard.MayManageInstance) {
			err = lanyard.ErrNotFound
		} else if err == nil {
			err = lanyard.ErrNotAllowed
		}
		return x, err
	}
	if x.Administrator, err = c.Management.Enter(ctx, home, live, v); err != nil {
		return x, err
	}
	return x, x.need(permission)
}

// need is the rule of the table.
func (x *visit) need(permission string) error {
	switch {
	case x.Powers.None():
		return errNoPowers
	case permission == anyAdministrator || x.may(permission):
		return nil
	}
	return lanyard.ErrNotAllowed
}

// refresh is how old a token gets before a page that is only shown fetches a new one.
const refresh = 30 * time.Minute

// get shows a screen.
func (c *Console) get(s screen) web.Handler {
	return func(g *gin.Context) error {
		x, err := c.enter(g, s.permission)
		x.area = s.area
		switch {
		case errors.Is(err, errSignIn):
			return c.signInFirst(x)
		case errors.Is(err, errNoPowers):
			return c.showNobody(x)
		case err != nil:
			return err
		case c.Clock.Now().Sub(x.verified.IssuedAt) > refresh && !partial(g):
			return c.signInFirst(x)
		}
		v, err := s.show(x)
		if err != nil {
			return err
		}
		v.Notice = notices[x.q("done")]
		return c.show(x, http.StatusOK, v)
	}
}

// partial tells whether the script asks for a part of a page.
func partial(g *gin.Context) bool { return g.Request.Header.Get("HX-Request") != "" }

// post does a deed.
func (c *Console) post(d deed) web.Handler {
	return func(g *gin.Context) error {
		form, err := web.PostForm(g.Request)
		if err != nil {
			return err
		}
		x, err := c.enter(g, d.permission)
		x.area, x.form = d.area, form
		switch {
		case errors.Is(err, errSignIn):
			return c.showEnded(x)
		case errors.Is(err, errNoPowers):
			return c.showNobody(x)
		case err != nil:
			return err
		}
		out, err := d.do(x)
		switch {
		case err != nil:
			return c.explain(x, d, err)
		case out.view != nil:
			return c.show(x, http.StatusOK, out.view)
		}
		web.Redirect(g.Writer, g.Request, out.to)
		return nil
	}
}

// live looks at a form while it is filled in.
func (c *Console) live(f fragment) web.Handler {
	return func(g *gin.Context) error {
		form, err := web.PostForm(g.Request)
		if err != nil {
			return err
		}
		x, err := c.enter(g, f.permission)
		if err != nil {
			return err
		}
		x.form = form
		data, err := f.look(x)
		if err != nil {
			return err
		}
		return c.render(g, http.StatusOK, f.template, data)
	}
}

// download serves a file.
func (c *Console) download(f file) web.Handler {
	return func(g *gin.Context) error {
		x, err := c.enter(g, f.permission)
		if errors.Is(err, errSignIn) {
			return c.signInFirst(x)
		}
		if err != nil {
			return err
		}
		return f.serve(x)
	}
}

// done leads to a page, with a word for what was done.
func (x *visit) done(word, path string, pairs ...string) (outcome, error) {
	return outcome{to: web.Local(x.site, x.root+path, query(append(pairs, "done", word)...))}, nil
}

// explain shows the page of a form again with what was wrong.
func (c *Console) explain(x *visit, d deed, err error) error {
	e := web.Public(err)
	switch e.Kind {
	case lanyard.Invalid, lanyard.Conflict, lanyard.Throttled, lanyard.Denied, lanyard.Unauthenticated:
	case lanyard.Unavailable, lanyard.Internal, lanyard.NotFound:
		return err
	}
	if e.Code == lanyard.ErrNotAllowed.Code && e.Message == lanyard.ErrNotAllowed.Message {
		return err
	}
	v, failed := d.from(x)
	if failed != nil {
		return failed
	}
	web.Note(x.c, err)
	if e.Code == lanyard.ErrStale.Code {
		return c.show(x, http.StatusConflict, conflict(x, v, d.path))
	}
	v.Problem = sentence(e.Message)
	v.keep(x.at(d.path), x.form)
	status := http.StatusOK
	if e.Kind == lanyard.Conflict {
		status = http.StatusConflict
	}
	return c.show(x, status, v)
}
