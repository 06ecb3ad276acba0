package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// codesView is the page of the recovery codes (L8).
type codesView struct {
	*step
	// Codes are shown once, in the answer to the form that made them; empty afterwards.
	Codes []string
}

// withCodes puts fresh recovery codes on the page.
func withCodes(codes []lanyard.Secret) words {
	return func(s *step) error {
		for _, code := range codes {
			s.codes = append(s.codes, code.Reveal())
		}
		return nil
	}
}

func renderCodes(p *Pages, c *gin.Context, s *step, status int) error {
	key := "codes.heading"
	if len(s.codes) == 0 {
		key = "codes.heading_unseen"
	}
	if err := s.heading(key); err != nil {
		return err
	}
	return p.show(c, status, "codes.html", codesView{s, s.codes})
}

func (p *Pages) renewCodes(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.RenewCodes(ctx, live, f.id, v, f.token)
}

func (p *Pages) codesSaved(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.CodesSaved(ctx, live, f.id, v, f.token)
}
