package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// pathLinkIdentity is not below /login/link, which is that of links in mails.
const pathLinkIdentity = "/login/link-account"

// linkField says whether an identity becomes a way in to the account.
const (
	linkField = "link"
	linkYes   = "yes"
	linkNo    = "no"
)

var linkMistakes = among(
	mistake{lanyard.ErrIdentityTaken, "", "refusal.identity_taken", []any{"Name", ""}},
)

// renderLink asks whether the identity that waits is to sign in to the account that
// was proved (L17).
func renderLink(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("upstream.link_heading", "Name", s.Upstream()); err != nil {
		return err
	}
	return p.show(c, status, "upstreamlink.html", s)
}

// errUndecidedLink is a form that was sent by neither of its buttons.
var errUndecidedLink = lanyard.ErrInvalidRequest.Saying("the form says neither to link nor to leave it")

func (p *Pages) link(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	decision := f.value(linkField)
	if decision != linkYes && decision != linkNo {
		return flow.Moved{}, errUndecidedLink
	}
	return p.Flow.Link(ctx, live, f.id, v, f.token, decision == linkYes)
}
