package idp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Administration is what tests of the management API need in the default tenant: a role
// for everything, one for reading, and machines that have them.
const Administration = `
version: 1
tenants:
  - slug: default
    roles:
      - {name: instance-admin, permissions: ["instance:manage"]}
      - {name: tenant-admin, permissions: ["tenant:manage"]}
      - {name: tenant-reader, permissions: ["tenant:read"]}
    clients:
      - {client_id: operator, type: machine, client_secret: operator-secret-0123456789-0123456789, roles: [instance-admin], resources: ["urn:lanyard:management"]}
      - {client_id: admin, type: machine, client_secret: admin-secret-0123456789-0123456789-01, roles: [tenant-admin], resources: ["urn:lanyard:management"]}
      - {client_id: reader, type: machine, client_secret: reader-secret-0123456789-0123456789-0, roles: [tenant-reader], resources: ["urn:lanyard:management"]}
      - {client_id: nobody, type: machine, client_secret: nobody-secret-0123456789-0123456789-0, resources: ["urn:lanyard:management"]}
      - {client_id: manager, client_secret: manager-secret-0123456789-0123456789-, redirect_uris: [https://manager.example.test/cb], first_party: true,
         resources: ["urn:lanyard:management"]}
`

// API calls the management API of one tenant with one token.
type API struct {
	idp   *IDP
	Token string
	// Base is below which the paths are: {issuer}/api/v1, or that of another tenant.
	Base string
	// Header are further headers of every call.
	Header map[string]string
}

// Administration adds the administrators of tests to the default tenant: the machines
// operator, admin, reader and nobody, and the client manager for people.
func (i *IDP) Administration() {
	i.t.Helper()
	i.apply(Administration)
}

// Administrator is the API as one of the machines of Administration sees it.
func (i *IDP) Administrator(machine string) *API {
	i.t.Helper()
	secrets := map[string]string{
		"operator": "operator-secret-0123456789-0123456789", "admin": "admin-secret-0123456789-0123456789-01",
		"reader": "reader-secret-0123456789-0123456789-0", "nobody": "nobody-secret-0123456789-0123456789-0",
	}
	c := &Client{ID: machine, Secret: secrets[machine], idp: i, t: i.t, Issuer: i.Issuer}
	answer := c.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"urn:lanyard:management"}, "scope": {"manage"}})
	if answer.Status != http.StatusOK {
		i.t.Fatalf("no token for %s: %s", machine, answer.Raw)
	}
	return i.API(answer.Text("access_token"))
}

// API is the management API of the default tenant with a token.
func (i *IDP) API(token string) *API {
	return &API{idp: i, Token: token, Base: i.Issuer + "/api/v1"}
}

// Of is the same caller at another tenant, by way of the default one.
func (a *API) Of(tenant string) *API {
	out := *a
	out.Base += "/tenants/" + tenant
	return &out
}

// With is the same caller with another header.
func (a *API) With(name, value string) *API {
	out := *a
	out.Header = map[string]string{name: value}
	for k, v := range a.Header {
		if k != name {
			out.Header[k] = v
		}
	}
	return &out
}

// Do calls the API. A body that is text goes as it is, everything else as JSON.
func (a *API) Do(method, path string, body any) Answer {
	a.idp.t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		data, err = json.Marshal(b)
		must(a.idp.t, err)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, a.Base+path, bytes.NewReader(data))
	must(a.idp.t, err)
	if len(data) > 0 {
		r.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			r.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	if a.Token != "" {
		r.Header.Set("Authorization", "Bearer "+a.Token)
	}
	for name, value := range a.Header {
		r.Header.Set(name, value)
	}
	answer, err := a.idp.client().Do(r)
	must(a.idp.t, err)
	return ReadAnswer(a.idp.t, answer)
}

// Must is Do for calls that have to be answered with a status of success.
func (a *API) Must(method, path string, body any) Answer {
	a.idp.t.Helper()
	answer := a.Do(method, path, body)
	if answer.Status/100 != 2 {
		a.idp.t.Fatalf("%s %s: %d %s", method, path, answer.Status, strings.TrimSpace(answer.Raw))
	}
	return answer
}
