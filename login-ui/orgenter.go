package loginui

import (
	"errors"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// enter lets a member in: by the session of the account pages, else by one that the
// organization's own connection proved. Whoever is not signed in, or not as the
// organization asks, is led to what is missing and comes back to the page; it tells
// whether it did so. A session of another organization's connection is as none, so
// that it does not even tell where else its person is a member.
func (p *Pages) enter(c *gin.Context, path string) (desk, bool, error) {
	slug := c.Param("slug")
	if !lanyard.ValidSlug(slug) {
		return desk{}, false, lanyard.ErrNotFound
	}
	back := here(c, screen{path: pathOrg + slug + path})
	me, personal := p.self(c)
	d := desk{}
	if personal == nil {
		d, personal = p.seated(c, me, slug)
	}
	if !entersNot(personal) {
		return d, false, personal
	}
	d, confined := p.seatedByOrganization(c, me, slug)
	switch {
	case !entersNot(confined):
		return d, false, confined
	case errors.Is(personal, lanyard.ErrNotFound) && errors.Is(confined, lanyard.ErrNotFound):
		return desk{}, false, lanyard.ErrNotFound
	}
	return desk{}, true, p.meet(c, back, slug, "")
}

// entersNot tells whether another session of the browser may enter where one does not.
func entersNot(err error) bool {
	return slices.ContainsFunc([]error{lanyard.ErrLoginRequired, lanyard.ErrPolicyUnmet, lanyard.ErrNotFound}, func(e error) bool { return errors.Is(err, e) })
}

// seated lets a person work in an organization.
func (p *Pages) seated(c *gin.Context, me self, slug string) (desk, error) {
	seat, err := p.Organizations.Enter(c.Request.Context(), live(c).Tenancy(), me.Actor, slug, p.Clock.Now())
	return desk{person: me, seat: seat}, err
}

// seatedByOrganization lets in whom the organization's own connection signed in.
// Nobody is lanyard.ErrNotFound; somebody whose sign-in does not do any more
// lanyard.ErrPolicyUnmet.
func (p *Pages) seatedByOrganization(c *gin.Context, me self, slug string) (desk, error) {
	all, err := p.Accounts.SelfIn(c.Request.Context(), live(c).Tenancy(), p.from(c), p.Clock.Now())
	if err != nil && !errors.Is(err, lanyard.ErrLoginRequired) {
		return desk{}, err
	}
	nobody := error(lanyard.ErrNotFound)
	for _, actor := range all {
		if actor.Session.ConfinedTo == "" {
			continue
		}
		d, err := p.seated(c, me.as(actor), slug)
		switch {
		case !entersNot(err):
			return d, err
		case errors.Is(err, lanyard.ErrPolicyUnmet) && actor.Session.Opens(d.seat.Organization.ID):
			nobody = err
		}
	}
	return desk{}, nobody
}

// as is somebody whom an organization vouches for, beside the accounts of the browser.
func (me self) as(actor accounts.Actor) self {
	return self{actor, append([]lanyard.Account{{Session: actor.Session, User: actor.User}}, me.all...)}
}

// meet lets the person sign in as the organization asks; somebody whose sub is given
// proves anew who they are.
func (p *Pages) meet(c *gin.Context, back, slug, again string) error {
	o, err := p.Entrance.BeginOrganization(c.Request.Context(), live(c), back, slug, again, p.newcomer(c))
	if err != nil {
		return err
	}
	return p.lead(c, o)
}

// proveIn asks the person of a desk for a fresh proof: the organization's own
// connection can give it.
func (p *Pages) proveIn(c *gin.Context, back string, d desk) error {
	return p.meet(c, back, d.seat.Organization.Slug, d.person.User.Subject)
}

// answerFresher does the deed of a form by a younger session of the same person that
// opens the organization, where there is one: the fresh proof may have been given
// at the organization's own connection.
func (p *Pages) answerFresher(c *gin.Context, f orgForm, d desk, values url.Values) (desk, web.Handler, error) {
	all, err := p.Accounts.SelfIn(c.Request.Context(), live(c).Tenancy(), p.from(c), p.Clock.Now())
	if err != nil {
		return d, nil, err
	}
	for _, actor := range all {
		if actor.User.ID != d.person.User.ID || !actor.Session.AuthTime.After(d.person.Session.AuthTime) {
			continue
		}
		other, err := p.seated(c, d.person.as(actor), d.seat.Organization.Slug)
		if entersNot(err) {
			continue
		}
		if err != nil {
			return d, nil, err
		}
		answer, err := f.do(c, other, posted{values: values})
		if !errors.Is(err, lanyard.ErrFreshProof) {
			return other, answer, err
		}
	}
	return d, nil, lanyard.ErrFreshProof
}

// Confined says that the organization's own connection signed the person in: the
// account's own pages are closed to that session.
func (v *orgPage) Confined() bool { return v.seat.Actor.Session.ConfinedTo != "" }

// orgSignOutForms end a session that the account pages do not know.
func (p *Pages) orgSignOutForms() []orgForm {
	return []orgForm{{path: orgSignOut, at: p.orgOverviewScreen(), do: p.signOutOfOrg, explain: noMistakes}}
}

func (p *Pages) signOutOfOrg(c *gin.Context, d desk, f posted) (web.Handler, error) {
	return p.signOut(c, d.person, f)
}
