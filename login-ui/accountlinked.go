package loginui

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// identityDeeds list and unlink what a person signs in with at upstreams.
type identityDeeds interface {
	Identities(ctx context.Context, t accounts.Tenancy, actor accounts.Actor) ([]lanyard.LinkedIdentity, error)
	UnlinkIdentity(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, identity lanyard.Identity, now time.Time) error
}

const (
	pathLinked = "/account/linked"
	// pathLinkAnother begins to link an account at an upstream.
	pathLinkAnother = "/account/linked/link"
	pathUnlink      = "/account/linked/unlink"
)

// Fields of the forms.
const (
	connectionField = "connection"
	issuerField     = "issuer"
	subjectField    = "subject"
	// What the flow says of a link when it leads back: that it went well, or the code of
	// how it ended.
	linkedParam  = "linked"
	refusedParam = "refused"
)

// maxIdentityField bounds what is read of an identity, in bytes.
const maxIdentityField = 2 << 10

// linkedView is the page of the accounts elsewhere that sign a person in (A6).
type linkedView struct {
	*accountPage
	List []linkedEntry
	// Offered are the upstreams at which another account can be linked.
	Offered []offeredLink
}

type linkedEntry struct {
	lanyard.Identity
	brand
	// Name is that of the upstream, Label what it calls the person.
	Name, Label   string
	Created, Used moment
}

type offeredLink struct {
	brand
	ID, Text string
}

func (p *Pages) linkedScreen() screen {
	return screen{path: pathLinked, area: pathLinked, heading: "account.linked.heading", template: "accountlinked.html", view: p.viewLinked}
}

func (p *Pages) linkedForms() []accountForm {
	at := p.linkedScreen()
	confined := mistake{lanyard.ErrConfined, "", "account.linked.confined", nil}
	return []accountForm{
		{path: pathUnlink, at: at, do: p.unlink, explain: among(mistake{lanyard.ErrLastWayIn, "", "account.linked.last", nil}, confined)},
		{path: pathLinkAnother, at: at, do: p.linkAnother, explain: among(confined)},
	}
}

func (p *Pages) unlink(c *gin.Context, me self, f posted) (web.Handler, error) {
	identity := lanyard.Identity{
		ConnectionID: lanyard.ConnectionID(f.value(connectionField)), Issuer: f.value(issuerField), Subject: f.value(subjectField),
	}
	for _, part := range []string{string(identity.ConnectionID), identity.Issuer, identity.Subject} {
		if part == "" || len(part) > maxIdentityField {
			return nil, lanyard.ErrNotFound
		}
	}
	err := p.Accounts.UnlinkIdentity(c.Request.Context(), live(c).Tenancy(), me.Actor, identity, p.Clock.Now())
	if errors.Is(err, lanyard.ErrNotFound) { // it is gone already
		err = nil
	}
	return done(pathLinked, "unlinked"), err
}

// linkAnother leads to an upstream, after a fresh proof.
func (p *Pages) linkAnother(c *gin.Context, me self, f posted) (web.Handler, error) {
	id := lanyard.ConnectionID(f.value(connectionField))
	if id == "" || len(id) > maxID {
		return nil, lanyard.ErrNotFound
	}
	back := pathLinked + "?" + url.Values{connectionField: {string(id)}}.Encode()
	o, err := p.SignIn.BeginLink(c.Request.Context(), live(c), back, me.User.Subject, id, p.newcomer(c))
	return func(c *gin.Context) error { return p.lead(c, o) }, err
}

func (p *Pages) viewLinked(c *gin.Context, v *accountPage) (any, error) {
	connections := live(c).Connections
	all, err := p.Accounts.Identities(c.Request.Context(), live(c).Tenancy(), v.me.Actor)
	if err != nil {
		return nil, err
	}
	out := linkedView{accountPage: v}
	for _, identity := range all {
		entry, err := v.linkedEntry(identity, connections)
		if err != nil {
			return nil, err
		}
		out.List = append(out.List, entry)
	}
	for _, conn := range connections {
		if !conn.Enabled || !conn.Linking {
			continue
		}
		text, err := v.T("account.linked.link", "Name", upstreamName(conn))
		if err != nil {
			return nil, err
		}
		out.Offered = append(out.Offered, offeredLink{brandOf(conn), string(conn.ID), text})
	}
	return out, v.afterLink(c, all)
}

func (v *accountPage) linkedEntry(l lanyard.LinkedIdentity, connections []lanyard.Connection) (linkedEntry, error) {
	out := linkedEntry{Identity: l.Identity, Label: plain(l.Label)}
	if out.Label == "" {
		out.Label = plain(l.Subject)
	}
	var err error
	if i := slices.IndexFunc(connections, ofID(l.ConnectionID)); i >= 0 {
		out.brand, out.Name = brandOf(connections[i]), upstreamName(connections[i])
	} else if out.Name, err = v.T("account.linked.organization"); err != nil { // the others belong to organizations
		return out, err
	} else {
		out.brand = brand{Initial: initial(out.Name)}
	}
	if out.Created, err = v.moment(l.CreatedAt); err != nil {
		return out, err
	}
	out.Used, err = v.moment(l.UsedAt)
	return out, err
}

func ofID(id lanyard.ConnectionID) func(lanyard.Connection) bool {
	return func(c lanyard.Connection) bool { return c.ID == id }
}

// afterLink says what came of a link that was begun here. The words are ours, and true
// whoever wrote the address.
func (v *accountPage) afterLink(c *gin.Context, all []lanyard.LinkedIdentity) error {
	connections := live(c).Connections
	i := slices.IndexFunc(connections, ofID(lanyard.ConnectionID(c.Query(connectionField))))
	if i < 0 || v.Problem != nil {
		return nil
	}
	if code := c.Query(refusedParam); code != "" {
		s := &step{frame: v.frame, Page: flow.Page{Connection: &connections[i]}}
		err := refusal(code)(s)
		v.Notice = s.Notice
		return err
	}
	there := func(l lanyard.LinkedIdentity) bool { return l.ConnectionID == connections[i].ID }
	if c.Query(linkedParam) == "" || !slices.ContainsFunc(all, there) {
		return nil
	}
	text, err := v.T("account.linked.done", "Name", upstreamName(connections[i]))
	v.Notice = text
	return err
}

// hasLinked tells whether the page of linked accounts has anything to show.
func (p *Pages) hasLinked(c *gin.Context, me self) (bool, error) {
	if len(live(c).Connections) > 0 {
		return true, nil
	}
	all, err := p.Accounts.Identities(c.Request.Context(), live(c).Tenancy(), me.Actor)
	return len(all) > 0, err
}
