package loginui

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// orgConnectionView is the page of one connection, or the form for a new one.
type orgConnectionView struct {
	*orgPage
	// State is how far it has come. Name is that of the connection; empty for a new one.
	State, Name, Kind, KindText string
	// Action is where the forms go, Back the list.
	Action string
	// Callback is the address to register with the provider.
	Callback string
	// MayEnable says that the person may switch it on.
	MayEnable bool
	Typed     string

	Form connectionForm
}

// connectionForm is what is typed about a connection.
type connectionForm struct {
	Name, Issuer, ClientID, Directory, HostedDomain, Scopes, Auth string
	UserInfo, JustInTime, TrustedForMFA                           bool
	Auths                                                         []option
	Roles                                                         []roleBox
}

const (
	// microsoftAuthority is the issuer of one Microsoft tenant, around its id.
	microsoftAuthority = "https://login.microsoftonline.com/"
	microsoftVersion   = "/v2.0"
	// maxConnectionField bounds a text of the form, maxConnectionSecret the secret, in bytes.
	maxConnectionField  = 2 << 10
	maxConnectionSecret = 8 << 10
)

// directoryOf is the Microsoft tenant of an issuer; empty if it names none in the usual way.
func directoryOf(issuer string) string {
	directory, found := strings.CutPrefix(issuer, microsoftAuthority)
	directory, ends := strings.CutSuffix(directory, microsoftVersion)
	if !found || !ends || strings.Contains(directory, "/") {
		return ""
	}
	return directory
}

// onto reads the form onto a connection; what has no field stays as it is.
func (f posted) onto(c lanyard.Connection) (lanyard.Connection, error) {
	text := func(field string) string { return strings.TrimSpace(f.value(field)) }
	wrong := func(field, key string) error { return wrongField{mistake{field: field, key: key}} }
	for _, field := range []string{"name", "issuer", "client_id", "directory", "hosted_domain", "scopes"} {
		if len(f.value(field)) > maxConnectionField {
			return c, errLongField
		}
	}
	c.Name, c.UpstreamClientID = text("name"), text("client_id")
	c.JustInTime, c.TrustedForMFA = f.ticked("just_in_time"), f.ticked("trusted_for_mfa")
	switch {
	case plain(c.Name) == "" || len(c.Name) > 100:
		return c, wrong("name", "org.connection.bad_name")
	case c.UpstreamClientID == "":
		return c, wrong("client_id", "org.connection.no_client_id")
	}
	var err error
	if c.DefaultRoles, err = f.roles(); err != nil {
		return c, err
	}
	switch c.Kind {
	case lanyard.ConnectionGoogle:
		if c.HostedDomain = strings.ToLower(text("hosted_domain")); c.HostedDomain == "" {
			return c, wrong("hosted_domain", "org.connection.no_hosted_domain")
		}
	case lanyard.ConnectionMicrosoft:
		directory := strings.ToLower(text("directory"))
		if directory != directoryOf(c.Issuer) || directory == "" {
			if !lanyard.IsMicrosoftID(directory) {
				return c, wrong("directory", "org.connection.bad_directory")
			}
			c.Issuer = microsoftAuthority + directory + microsoftVersion
		}
	default:
		return f.ontoOIDC(c, text, wrong)
	}
	return c, nil
}

func (f posted) ontoOIDC(c lanyard.Connection, text func(string) string, wrong func(field, key string) error) (lanyard.Connection, error) {
	c.Issuer, c.Auth, c.UserInfo = text("issuer"), lanyard.UpstreamAuth(text("auth")), f.ticked("userinfo")
	issuer, err := url.Parse(c.Issuer)
	if err != nil || (issuer.Scheme != "https" && issuer.Scheme != "http") || issuer.Host == "" {
		return c, wrong("issuer", "org.connection.bad_issuer")
	}
	c.Scopes, err = lanyard.ParseScopes(f.value("scopes"))
	if err != nil {
		return c, wrong("scopes", "org.connection.bad_scopes")
	}
	return c, nil
}

// secret is the secret that was typed; it is never shown again.
func (f posted) secret() (lanyard.Secret, error) {
	secret := strings.TrimSpace(f.value("secret"))
	if len(secret) > maxConnectionSecret {
		return lanyard.Secret{}, errLongField
	}
	return lanyard.SecretOf(secret), nil
}

func (p *Pages) addConnection(c *gin.Context, d desk, f posted) (web.Handler, error) {
	kind, err := kindOf(c)
	if err != nil {
		return nil, err
	}
	secret, err := f.secret()
	if err != nil {
		return nil, err
	}
	one, err := f.onto(lanyard.Connection{Kind: kind, SignIn: true, SignUp: true, Linking: true})
	if err != nil {
		return nil, err
	}
	if secret.IsZero() {
		return nil, wrongField{mistake{field: "secret", key: "org.connection.no_secret"}}
	}
	one, err = p.Organizations.AddConnection(c.Request.Context(), d.seat, one, secret, p.Clock.Now())
	return d.connectionDone(one.ID, "connection_added"), err
}

func (p *Pages) changeConnection(c *gin.Context, d desk, f posted, before lanyard.Connection) (web.Handler, error) {
	secret, err := f.secret()
	if err != nil {
		return nil, err
	}
	one, err := f.onto(before)
	if err != nil {
		return nil, err
	}
	after, err := p.Organizations.ChangeConnection(c.Request.Context(), d.seat, one, secret, p.Clock.Now())
	word := "connection_saved"
	if before.Enabled && after.Fingerprint() != before.Fingerprint() {
		word = "connection_untested"
	}
	return d.connectionDone(before.ID, word), err
}

func (p *Pages) viewOrgConnection(c *gin.Context, v *orgPage) (any, error) {
	id, err := connectionNamed(c)
	if err != nil {
		return nil, err
	}
	out := orgConnectionView{orgPage: v, MayEnable: v.May(lanyard.MayManagePolicy), Typed: typed(c, "typed", "")}
	one := lanyard.Connection{JustInTime: true, DefaultRoles: []string{lanyard.RoleMember}}
	query := url.Values{}
	if id == "" {
		if one.Kind, err = kindOf(c); err != nil {
			return nil, err
		}
		query.Set(kindParam, string(one.Kind))
	} else {
		if one, err = p.Organizations.Connection(c.Request.Context(), v.seat, id); err != nil {
			return nil, err
		}
		out.Name, out.State, out.Callback = upstreamName(one), stateOf(one), live(c).Issuer+flow.CallbackPath(one.ID)
		query.Set(connectionField, string(id))
		if err := v.afterTest(c, one); err != nil {
			return nil, err
		}
	}
	out.Kind, out.Action = string(one.Kind), v.with(orgConnection, query)
	if out.KindText, err = v.T("org.connections.kind." + out.Kind); err != nil {
		return nil, err
	}
	if err := out.retitle(); err != nil {
		return nil, err
	}
	out.Form, err = v.connectionForm(c, one)
	return out, err
}

// retitle names the connection, or the kind of a new one.
func (v *orgConnectionView) retitle() error {
	if v.Name != "" {
		return v.heading("org.connection.heading", "Name", v.Name)
	}
	return v.heading("org.connection.new_heading", "Name", v.KindText)
}

// connectionForm is the form with a connection in it, or with what was typed.
func (v *orgPage) connectionForm(c *gin.Context, one lanyard.Connection) (connectionForm, error) {
	out := connectionForm{
		Name: typed(c, "name", plain(one.Name)), Issuer: typed(c, "issuer", one.Issuer), ClientID: typed(c, "client_id", one.UpstreamClientID),
		Directory: typed(c, "directory", directoryOf(one.Issuer)), HostedDomain: typed(c, "hosted_domain", one.HostedDomain),
		Scopes: typed(c, "scopes", one.Scopes.String()), Auth: typed(c, "auth", string(one.Auth)),
		UserInfo: one.UserInfo, JustInTime: one.JustInTime, TrustedForMFA: one.TrustedForMFA,
	}
	roles, sent := one.DefaultRoles, c.Request.PostForm
	if v.Problem != nil && sent.Get(deedField) == "" && c.Request.Method == "POST" {
		out.UserInfo, out.JustInTime, out.TrustedForMFA = sent.Has("userinfo"), sent.Has("just_in_time"), sent.Has("trusted_for_mfa")
		roles = nil
		for name := range sent {
			if role, found := strings.CutPrefix(name, rolePrefix); found {
				roles = append(roles, role)
			}
		}
	}
	for _, auth := range []lanyard.UpstreamAuth{"", lanyard.UpstreamBasic, lanyard.UpstreamPost, lanyard.UpstreamJWT} {
		text := string(auth)
		if auth == "" {
			var err error
			if text, err = v.T("org.connection.auth_usual"); err != nil {
				return out, err
			}
		}
		out.Auths = append(out.Auths, option{string(auth), text})
	}
	boxes, err := v.roleBoxes("connection-role-", roles)
	out.Roles = slices.DeleteFunc(boxes, func(b roleBox) bool { return b.Field == rolePrefix+lanyard.RoleOwner }) // nobody becomes one by signing in
	return out, err
}
