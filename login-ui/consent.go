package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// consentView is the page that asks whether an application may have what it asks for (L10).
type consentView struct {
	*step
	// Domain is where the answer goes; empty for an application on the device.
	Domain  string
	Account string
	// Organization is the one that the access is for; empty for none.
	Organization string
	Unverified   bool
	Groups       []scopeGroup
	PolicyLink   string
	TermsLink    string
}

// scopeGroup is what is asked of one resource; the standard scopes have no resource.
type scopeGroup struct {
	Resource string
	Scopes   []scopeLine
}

// scopeLine is one scope in words. Code is its name where nobody described it.
type scopeLine struct {
	Text string
	Note string
	Code string
}

// errUndecided is a consent form that was sent by neither of its buttons.
var errUndecided = lanyard.ErrInvalidRequest.Saying("the form says neither allow nor deny")

func (p *Pages) consent(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	decision := f.value("decision")
	if decision != "allow" && decision != "deny" {
		return flow.Moved{}, errUndecided
	}
	return p.Flow.Consent(ctx, live, f.id, v, f.token, decision == "allow")
}

func renderConsent(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("consent.heading", "App", s.App); err != nil {
		return err
	}
	asked := s.Page.Asked
	if len(asked) == 0 {
		asked = []flow.ScopeText{{Name: lanyard.ScopeOpenID}} // what every sign-in tells
	}
	groups, err := s.groups(asked)
	if err != nil {
		return err
	}
	view := consentView{step: s, Groups: groups}
	if uri := s.Page.Request.Params.RedirectURI; !lanyard.PrivateRedirect(uri) {
		view.Domain = hostOf(uri)
	}
	if s.Page.Account != nil {
		view.Account = plain(s.Page.Account.User.SignInName())
	}
	if s.Page.Organization != nil {
		view.Organization = plain(s.Page.Organization.Organization.Name)
	}
	if client := s.Page.Client; client != nil {
		view.Unverified = !client.FirstParty
		view.PolicyLink, view.TermsLink = safeLink(client.Policy), safeLink(client.Terms)
	}
	return p.show(c, status, "consent.html", view)
}

// groups puts the scopes into words, resource by resource in the order of asking.
func (f *frame) groups(asked []flow.ScopeText) ([]scopeGroup, error) {
	var out []scopeGroup
	at := map[string]int{}
	for _, scope := range asked {
		line, err := f.line(scope)
		if err != nil {
			return nil, err
		}
		i, found := at[scope.Resource]
		if !found {
			i = len(out)
			at[scope.Resource] = i
			out = append(out, scopeGroup{Resource: plain(scope.Resource)})
		}
		out[i].Scopes = append(out[i].Scopes, line)
	}
	return out, nil
}

func (f *frame) line(scope flow.ScopeText) (scopeLine, error) {
	if scope.Resource != "" || !lanyard.StandardScopes.Has(scope.Name) {
		if text := plain(scope.Description); text != "" {
			return scopeLine{Text: text}, nil
		}
		return scopeLine{Code: plain(scope.Name)}, nil
	}
	text, err := f.T("scope." + scope.Name)
	if err != nil || scope.Name != lanyard.ScopeOfflineAccess {
		return scopeLine{Text: text}, err
	}
	note, err := f.T("scope.offline_access_note")
	return scopeLine{Text: text, Note: note}, err
}
