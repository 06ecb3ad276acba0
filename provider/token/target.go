package token

import (
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// Target is what an access token is for: resources, userinfo, or both.
type Target struct {
	Resources []*lanyard.Resource
	// Userinfo puts the issuer into the audience.
	Userinfo bool
}

// opaque tokens are for userinfo alone, or for a resource that wants them so.
func (t Target) opaque() bool {
	return len(t.Resources) == 0 || slices.ContainsFunc(t.Resources, func(r *lanyard.Resource) bool { return r.Format == lanyard.FormatOpaque })
}

func (t Target) algorithm() string {
	if len(t.Resources) == 1 && t.Resources[0].Algorithm != "" {
		return t.Resources[0].Algorithm
	}
	return lanyard.AlgRS256
}

// audience lists the resources in their registered spelling, then the issuer.
func (t Target) audience(issuer string) []string {
	var out []string
	for _, r := range t.Resources {
		out = append(out, r.Identifier)
	}
	if t.Userinfo {
		out = append(out, issuer)
	}
	return out
}

// Ceiling is the form in which a grant remembers its target.
func (t Target) Ceiling(issuer string) []string {
	if len(t.Resources) == 0 {
		return nil
	}
	return t.audience(issuer)
}

// Cut keeps the scopes that mean something for the target.
func (t Target) Cut(scopes lanyard.Scopes) lanyard.Scopes {
	return scopes.Only(func(scope string) bool {
		if lanyard.StandardScope(scope) {
			return t.Userinfo
		}
		return slices.ContainsFunc(t.Resources, func(r *lanyard.Resource) bool { return r.Knows(scope) })
	})
}

// Knows tells whether the scope means anything to one of the resources.
func (t Target) Knows(scope string) bool {
	return slices.ContainsFunc(t.Resources, func(r *lanyard.Resource) bool { return r.Knows(scope) })
}

// Aim decides what a token is for when a request names these resources (RFC 8707
// §2), or none: then it is the client's default resource, with userinfo if openid
// was asked for; else userinfo alone with openid; else the client's only resource;
// else the tenant's default. What is left is lanyard.ErrInvalidTarget.
func Aim(live *tenants.Live, client *lanyard.Client, scopes lanyard.Scopes, asked []string) (Target, error) {
	openid := scopes.Has(lanyard.ScopeOpenID)
	if len(asked) > 0 {
		return named(live, client, openid, asked)
	}
	if client.DefaultResource != "" {
		t, err := named(live, client, openid, []string{client.DefaultResource})
		t.Userinfo = openid
		return t, err
	}
	if openid {
		return Target{Userinfo: true}, nil
	}
	if only := onlyResource(live, client); only != "" {
		return named(live, client, openid, []string{only})
	}
	if live.Tenant.Policy.DefaultResource != "" {
		return named(live, client, openid, []string{live.Tenant.Policy.DefaultResource})
	}
	return Target{}, lanyard.ErrInvalidTarget.Saying("the request names no resource and there is no default")
}

// within aims a token request at a part of what the grant allows; no resources asked means all of it.
func within(live *tenants.Live, client *lanyard.Client, grant *lanyard.Grant, asked []string) (Target, error) {
	openid := grant.Scopes.Has(lanyard.ScopeOpenID)
	if len(asked) == 0 {
		if len(grant.Resources) == 0 {
			return Target{Userinfo: openid}, nil
		}
		return named(live, client, openid, grant.Resources)
	}
	t, err := named(live, client, openid, asked)
	if err != nil {
		return Target{}, err
	}
	for _, r := range t.Resources {
		if !slices.Contains(grant.Resources, r.Identifier) {
			return Target{}, lanyard.ErrInvalidTarget.Saying("the resource was not granted")
		}
	}
	return t, nil
}

// named resolves resource indicators; the issuer stands for userinfo.
func named(live *tenants.Live, client *lanyard.Client, openid bool, indicators []string) (Target, error) {
	var t Target
	for _, indicator := range indicators {
		if indicator == live.Issuer {
			if !openid {
				return Target{}, lanyard.ErrInvalidTarget.Saying("userinfo needs the scope openid")
			}
			t.Userinfo = true
			continue
		}
		r, err := live.Resource(indicator)
		if err != nil {
			return Target{}, err
		}
		if !mayUse(live, client, r) {
			return Target{}, lanyard.ErrInvalidTarget
		}
		if !slices.Contains(t.Resources, r) {
			t.Resources = append(t.Resources, r)
		}
	}
	return t, nil
}

// mayUse tells whether the client may have tokens for the resource: one of its
// list, any if it has no list, and always its own default. The management API has to
// be named.
func mayUse(live *tenants.Live, client *lanyard.Client, r *lanyard.Resource) bool {
	if len(client.Resources) == 0 && !r.Management {
		return true
	}
	return slices.ContainsFunc(append(slices.Clone(client.Resources), client.DefaultResource), func(indicator string) bool {
		other, err := live.Resource(indicator)
		return err == nil && other == r
	})
}

func onlyResource(live *tenants.Live, client *lanyard.Client) string {
	if len(client.Resources) == 1 {
		return client.Resources[0]
	}
	if all := live.Resources(); len(client.Resources) == 0 && len(all) == 1 {
		return all[0].Identifier
	}
	return ""
}
