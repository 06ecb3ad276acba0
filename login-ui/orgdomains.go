package loginui

import (
	"context"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// domainDeeds are about the mail domains of an organization.
type domainDeeds interface {
	Domains(ctx context.Context, s organizations.Seat) ([]lanyard.Domain, error)
	AddDomain(ctx context.Context, s organizations.Seat, name string, now time.Time) (lanyard.Domain, error)
	VerifyDomain(ctx context.Context, s organizations.Seat, name string, now time.Time) error
	SetJoining(ctx context.Context, s organizations.Seat, name string, joining lanyard.Joining, now time.Time) error
	RemoveDomain(ctx context.Context, s organizations.Seat, name string, now time.Time) error
}

// orgDomainsView is the page of the domains.
type orgDomainsView struct {
	*orgPage
	Domains []domain
	Typed   string
}

type domain struct {
	// Name is in ASCII: no look-alike letter hides in it.
	Name     string
	Verified bool
	// Record and Value are the TXT record that proves the domain.
	Record, Value string
	Joining       string
	Options       []option
}

func (p *Pages) orgDomainsScreen() orgScreen {
	return orgScreen{path: orgDomains, area: orgDomains, heading: "org.domains.heading", template: "orgdomains.html", view: p.viewOrgDomains}
}

func (p *Pages) orgDomainForms() []orgForm {
	at := p.orgDomainsScreen()
	added := among(
		mistake{lanyard.ErrDomainTaken, "domain", "org.domains.taken", nil},
		mistake{lanyard.ErrBadInput, "domain", "org.domains.bad", nil},
		mistake{lanyard.ErrConflict, "domain", "org.domains.there", nil},
	)
	verified := among(
		mistake{lanyard.ErrDomainUnproved, "", "org.domains.unproved", nil},
		mistake{lanyard.ErrDomainTaken, "", "org.domains.taken", nil},
	)
	return []orgForm{
		{path: orgDomains, at: at, do: p.addDomain, explain: added},
		{path: orgDomains + "/verify", at: at, do: p.onDomain(p.Organizations.VerifyDomain, "domain_verified"), explain: verified},
		{path: orgDomains + "/joining", at: at, do: p.setJoining, explain: verified},
		{path: orgDomains + "/remove", at: at, do: p.onDomain(p.Organizations.RemoveDomain, "domain_removed"), explain: noMistakes},
	}
}

// domain is the one that a form is about.
func (f posted) domain() (string, error) {
	name := f.value("domain")
	if name == "" || len(name) > maxAddress {
		return "", lanyard.ErrNotFound
	}
	return name, nil
}

// onDomain is a form with a domain of the list in it.
func (p *Pages) onDomain(do func(context.Context, organizations.Seat, string, time.Time) error, word string) func(*gin.Context, desk, posted) (web.Handler, error) {
	return func(c *gin.Context, d desk, f posted) (web.Handler, error) {
		name, err := f.domain()
		if err != nil {
			return nil, err
		}
		return d.done(orgDomains, word), do(c.Request.Context(), d.seat, name, p.Clock.Now())
	}
}

func (p *Pages) addDomain(c *gin.Context, d desk, f posted) (web.Handler, error) {
	name := strings.TrimSpace(f.value("domain"))
	if name == "" || len(name) > maxAddress {
		return nil, lanyard.ErrBadInput
	}
	_, err := p.Organizations.AddDomain(c.Request.Context(), d.seat, name, p.Clock.Now())
	return d.done(orgDomains, "domain_added"), err
}

func (p *Pages) setJoining(c *gin.Context, d desk, f posted) (web.Handler, error) {
	name, err := f.domain()
	if err != nil {
		return nil, err
	}
	joining := lanyard.Joining(f.value("joining"))
	return d.done(orgDomains, "domain_saved"), p.Organizations.SetJoining(c.Request.Context(), d.seat, name, joining, p.Clock.Now())
}

func (p *Pages) viewOrgDomains(c *gin.Context, v *orgPage) (any, error) {
	all, err := p.Organizations.Domains(c.Request.Context(), v.seat)
	if err != nil {
		return nil, err
	}
	options, err := v.joiningOptions()
	if err != nil {
		return nil, err
	}
	out := orgDomainsView{orgPage: v}
	if c.FullPath() == orgRoute+orgDomains {
		out.Typed = typed(c, "domain", "")
	}
	for _, d := range all {
		out.Domains = append(out.Domains, domain{
			Name: d.Name, Verified: !d.VerifiedAt.IsZero(), Record: d.ChallengeName(), Value: organizations.DomainRecord(d), Joining: string(d.Joining), Options: options,
		})
	}
	return out, nil
}

func (v *orgPage) joiningOptions() ([]option, error) {
	var out []option
	for _, j := range []lanyard.Joining{lanyard.JoiningOff, lanyard.JoiningRequest, lanyard.JoiningAutomatic} {
		text, err := v.T("org.joining." + string(j))
		if err != nil {
			return nil, err
		}
		out = append(out, option{string(j), text})
	}
	return out, nil
}
