package loginui

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// account is one entry of a list of accounts.
type account struct {
	Session   string
	Name      string
	Address   string
	Mark      string
	SignedOut bool
}

// chooserView is the page that asks which account goes on (L2).
type chooserView struct {
	*step
	Accounts []account
}

func (p *Pages) chooseAccount(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.Choose(ctx, live, f.id, v, f.token, lanyard.SessionID(f.value("session")))
}

func renderChooser(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("choose.heading", "App", s.App); err != nil {
		return err
	}
	return p.show(c, status, "chooser.html", chooserView{s, accountsOf(s.Page.Accounts, p.Clock.Now())})
}

func accountsOf(list []lanyard.Account, now time.Time) []account {
	out := make([]account, 0, len(list))
	for _, a := range list {
		entry := account{
			Session: string(a.Session.ID), Name: plain(a.User.DisplayName()), Address: plain(a.User.SignInName()),
			Mark: initial(a.User.DisplayName()), SignedOut: !a.Session.Usable(now),
		}
		if entry.Address == entry.Name {
			entry.Address = ""
		}
		out = append(out, entry)
	}
	return out
}
