package loginui

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// connectionDeeds are about the connections of an organization.
type connectionDeeds interface {
	Connections(ctx context.Context, s organizations.Seat) ([]lanyard.Connection, error)
	Connection(ctx context.Context, s organizations.Seat, id lanyard.ConnectionID) (lanyard.Connection, error)
	AddConnection(ctx context.Context, s organizations.Seat, c lanyard.Connection, secret lanyard.Secret, now time.Time) (lanyard.Connection, error)
	ChangeConnection(ctx context.Context, s organizations.Seat, c lanyard.Connection, secret lanyard.Secret, now time.Time) (lanyard.Connection, error)
	EnableConnection(ctx context.Context, s organizations.Seat, id lanyard.ConnectionID, now time.Time) error
	DisableConnection(ctx context.Context, s organizations.Seat, id lanyard.ConnectionID, now time.Time) error
	RemoveConnection(ctx context.Context, s organizations.Seat, id lanyard.ConnectionID, typedName string, now time.Time) error
}

const (
	orgConnections = "/connections"
	orgConnection  = "/connections/edit"
	kindParam      = "kind"
)

// orgConnectionsView is the page of the connections.
type orgConnectionsView struct {
	*orgPage
	List []connectionEntry
	// SignInLink is where members sign in to the organization.
	SignInLink string
	Add        []connectionKind
}

type connectionEntry struct {
	brand
	ID, Name, Href, State string
}

// How far a connection has come.
const (
	connectionOn       = "on"
	connectionTested   = "tested"
	connectionUntested = "untested"
)

func stateOf(c lanyard.Connection) string {
	switch {
	case c.Enabled:
		return connectionOn
	case c.TestedAs == c.Fingerprint():
		return connectionTested
	}
	return connectionUntested
}

// connectionKind leads to the form for a new connection of a kind.
type connectionKind struct {
	brand
	Kind, Text, Href string
}

func (p *Pages) orgConnectionsScreen() orgScreen {
	return orgScreen{path: orgConnections, area: orgConnections, heading: "org.connections.heading", template: "orgconnections.html", view: p.viewOrgConnections}
}

func (p *Pages) viewOrgConnections(c *gin.Context, v *orgPage) (any, error) {
	all, err := p.Organizations.Connections(c.Request.Context(), v.seat)
	if err != nil {
		return nil, err
	}
	out := orgConnectionsView{orgPage: v, SignInLink: live(c).Issuer + v.at("")}
	for _, one := range all {
		out.List = append(out.List, connectionEntry{
			brand: brandOf(one), State: stateOf(one), ID: string(one.ID), Name: upstreamName(one),
			Href: v.with(orgConnection, url.Values{connectionField: {string(one.ID)}}),
		})
	}
	for _, kind := range organizations.ConnectionKinds {
		entry := connectionKind{Kind: string(kind), Href: v.with(orgConnection, url.Values{kindParam: {string(kind)}})}
		if entry.Text, err = v.T("org.connections.kind." + string(kind)); err != nil {
			return nil, err
		}
		entry.brand = brand{Initial: initial(entry.Text)}
		if brandNames[kind] != "" {
			entry.brand = brand{Kind: string(kind)}
		}
		out.Add = append(out.Add, entry)
	}
	return out, nil
}

func (p *Pages) orgConnectionScreen() orgScreen {
	return orgScreen{path: orgConnection, area: orgConnections, heading: "org.connections.heading", template: "orgconnection.html", view: p.viewOrgConnection}
}

func (p *Pages) orgConnectionForms() []orgForm {
	return []orgForm{{path: orgConnection, at: p.orgConnectionScreen(), do: p.onConnection, explain: either(wrongFields, among(
		mistake{lanyard.ErrConnectionNeeded, "", "org.connection.needed", nil},
		mistake{lanyard.ErrUntested, "", "org.connection.untested", nil},
		mistake{lanyard.ErrUpstreamDown, "", "org.connection.down", nil},
		mistake{lanyard.ErrUpstreamWrong, "", "org.connection.wrong", nil},
		mistake{lanyard.ErrBadInput, "", "org.connection.bad", nil},
		mistake{lanyard.ErrConflict, "name", "org.connection.there", nil},
	))}}
}

// What the buttons of the form of a connection do, in the field "deed".
const (
	deedField   = "deed"
	deedTest    = "test"
	deedEnable  = "enable"
	deedDisable = "disable"
	deedRemove  = "remove"
)

// onConnection is every form about one connection. It stands at the address of its
// page, so that a fresh proof leads back there.
func (p *Pages) onConnection(c *gin.Context, d desk, f posted) (web.Handler, error) {
	id, err := connectionNamed(c)
	if err != nil {
		return nil, err
	}
	ctx, now, deed := c.Request.Context(), p.Clock.Now(), f.value(deedField)
	if id == "" {
		if deed != "" {
			return nil, lanyard.ErrNotFound
		}
		return p.addConnection(c, d, f)
	}
	one, err := p.Organizations.Connection(ctx, d.seat, id)
	if err != nil {
		return nil, err
	}
	switch deed {
	case "":
		return p.changeConnection(c, d, f, one)
	case deedTest:
		return p.testConnection(c, d, id)
	case deedEnable:
		return d.connectionDone(id, "connection_on"), p.Organizations.EnableConnection(ctx, d.seat, id, now)
	case deedDisable:
		return d.connectionDone(id, "connection_off"), p.Organizations.DisableConnection(ctx, d.seat, id, now)
	case deedRemove:
		return p.removeConnection(c, d, f, one)
	}
	return nil, lanyard.ErrInvalidRequest
}

// connectionNamed is the connection that the address names; empty for a new one.
func connectionNamed(c *gin.Context) (lanyard.ConnectionID, error) {
	id := c.Query(connectionField)
	if len(id) > maxID {
		return "", lanyard.ErrNotFound
	}
	return lanyard.ConnectionID(id), nil
}

// connectionDone leads back to the page of a connection.
func (d desk) connectionDone(id lanyard.ConnectionID, word string) web.Handler {
	query := noticeOf(word)
	query.Set(connectionField, string(id))
	return leadTo(d.at(orgConnection), query)
}

// testConnection tries a connection, by a sign-in at the upstream that signs nobody in.
func (p *Pages) testConnection(c *gin.Context, d desk, id lanyard.ConnectionID) (web.Handler, error) {
	back := d.at(orgConnection) + "?" + url.Values{connectionField: {string(id)}}.Encode()
	o, err := p.SignIn.BeginTest(c.Request.Context(), live(c), back, d.seat.Organization.Slug, id, p.newcomer(c))
	return func(c *gin.Context) error { return p.lead(c, o) }, err
}

func (p *Pages) removeConnection(c *gin.Context, d desk, f posted, one lanyard.Connection) (web.Handler, error) {
	if plain(f.value("typed")) != upstreamName(one) {
		return nil, wrongField{mistake{field: "typed", key: "org.connection.other_name"}}
	}
	return d.done(orgConnections, "connection_removed"), p.Organizations.RemoveConnection(c.Request.Context(), d.seat, one.ID, one.Name, p.Clock.Now())
}

// afterTest says how a test sign-in ended that was begun on the page. The words are
// ours, and true whoever wrote the address.
func (v *orgPage) afterTest(c *gin.Context, one lanyard.Connection) error {
	code := c.Query(refusedParam)
	if code == "" || v.Problem != nil {
		return nil
	}
	s := &step{frame: v.frame, Page: flow.Page{Connection: &one}}
	err := refusal(code)(s)
	if s.Notice != "" {
		v.Notice = s.Notice
	}
	return err
}

// kindOf is the kind of a new connection that the address names.
func kindOf(c *gin.Context) (lanyard.ConnectionKind, error) {
	kind := lanyard.ConnectionKind(c.DefaultQuery(kindParam, string(lanyard.ConnectionOIDC)))
	if !slices.Contains(organizations.ConnectionKinds, kind) {
		return "", lanyard.ErrNotFound
	}
	return kind, nil
}
