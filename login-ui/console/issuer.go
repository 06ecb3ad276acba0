package console

import (
	"encoding/json"
	"net/http"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// issuers are the pages of issuers elsewhere whose signatures count here.
func (c *Console) issuers() {
	const (
		area = "/issuers"
		do   = lanyard.MayManageTrust
	)
	c.page(screen{path: area, area: area, permission: lanyard.MayReadTrust, show: c.issuerList})
	c.editor(deed{path: "/new/issuer", area: area, permission: do, from: newIssuer, do: c.createIssuer})
	c.removal(removal{
		path: "/issuer/remove", area: area, permission: do, verb: "Remove",
		subject: func(x *visit) (string, []string, link, error) {
			found, err := c.Management.TrustedIssuer(x.ctx(), x.Administrator, x.id())
			return found.Issuer, []string{"Nothing that it signs counts here any more."}, link{"Trusted issuers", x.at(area)}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveTrustedIssuer(x.ctx(), x.Administrator, x.id(), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", area)
		},
	})
}

func (c *Console) issuerList(x *visit) (*view, error) {
	add := link{"Add an issuer", x.at("/new/issuer")}
	t, err := listOf(x, listing[management.TrustedIssuer]{
		path: "/issuers", columns: management.TrustedIssuerColumns, search: "Search by issuer", heads: []string{"Issuer", "Keys", "Algorithms", "Good for", ""}, deed: c.Management.TrustedIssuers,
		row: func(t management.TrustedIssuer) []cell {
			keys, can := or(t.JWKSURI, "by discovery"), cell{}
			if len(t.JWKS) > 0 {
				keys = text("registered here")
			}
			if x.may(lanyard.MayManageTrust) {
				can = to("Remove", x.at("/issuer/remove", "id", t.ID))
			}
			return []cell{text(t.Issuer), keys, named(t.Algorithms, "the usual ones"), named(t.Purposes, "nothing"), can}
		},
		empty: empty{"A trusted issuer signs for machines elsewhere, such as a cluster or a pipeline, that then need no secret here.", x.onlyFor(lanyard.MayManageTrust, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Trusted issuers", Lead: "Issuers elsewhere whose signatures count here.", Actions: x.whoMay(lanyard.MayManageTrust, add), Copy: []command{{CLI: "lanyard issuer list", Method: http.MethodGet, Path: "/trusted-issuers"}}}
	return v.add(t), nil
}

func newIssuer(x *visit) (*view, error) {
	v := &view{Title: "Add an issuer", Crumbs: []link{{"Trusted issuers", x.at("/issuers")}}, Copy: []command{{
		CLI: "lanyard issuer create issuer=https://ci.example.com", Method: http.MethodPost, Path: "/trusted-issuers", Body: `{"issuer":"https://ci.example.com"}`,
	}}}
	return v.add(form{Action: x.at("/new/issuer"), Submit: "Add", Cancel: x.at("/issuers"), Fields: []field{
		required(input("issuer", "Issuer", "", "Exactly as its tokens say, such as https://ci.example.com.")), input("jwks_uri", "Address of its keys", "", "Empty if the keys stand below, or are found by discovery."),
		area("jwks", "Its keys", nil, "A JWK set, if it has no address."), input("algorithms", "Algorithms", "", "Divided by blanks, such as RS256 ES256; empty for the usual ones."),
		input("purposes", "Good for", "", "Divided by blanks, as the documentation names them."),
	}}), nil
}

func (c *Console) createIssuer(x *visit) (outcome, error) {
	t := lanyard.TrustedIssuer{Issuer: x.field("issuer"), JWKSURI: x.field("jwks_uri"), Algorithms: x.words("algorithms"), Purposes: x.words("purposes")}
	if keys := x.field("jwks"); keys != "" {
		if !json.Valid([]byte(keys)) {
			return outcome{}, badInput("the keys are a JWK set as JSON")
		}
		t.JWKS = json.RawMessage(keys)
	}
	if _, err := c.Management.CreateTrustedIssuer(x.ctx(), x.Administrator, management.TrustedIssuer{TrustedIssuer: t}); err != nil {
		return outcome{}, err
	}
	return x.done("created", "/issuers")
}
