package loginui

import (
	"context"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// overviewDeeds say how safe an account is.
type overviewDeeds interface {
	Factors(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, browserHash []byte, now time.Time) (lanyard.Factors, error)
	Emails(ctx context.Context, t accounts.Tenancy, user lanyard.UserID) ([]lanyard.Email, error)
}

// fewCodes is how many recovery codes are too few.
const fewCodes = 3

// checkUpView is the first of the account pages (A1).
type checkUpView struct {
	*accountPage
	Checks []check
	// Deletion is the day on which the account is erased; empty for never.
	Deletion string
}

// check is one line of the security check-up.
type check struct {
	OK   bool
	Text string
	// Link leads to where something can be done about it, in the words of LinkText.
	Link, LinkText string
}

func (p *Pages) overviewScreen() screen {
	return screen{path: pathAccount, area: pathAccount, heading: "account.overview.heading", template: "accountoverview.html", view: p.viewOverview}
}

func (p *Pages) viewOverview(c *gin.Context, v *accountPage) (any, error) {
	factors, err := p.factors(c, v.me)
	if err != nil {
		return nil, err
	}
	emails, err := p.Accounts.Emails(c.Request.Context(), live(c).Tenancy(), v.me.User.ID)
	if err != nil {
		return nil, err
	}
	out := checkUpView{accountPage: v}
	if out.Checks, err = v.checkUp(factors, emails, live(c).Tenant.Policy); err != nil {
		return nil, err
	}
	out.Deletion, err = v.deletion(factors)
	return out, err
}

// deletion is the day on which the account is erased; empty for never.
func (v *accountPage) deletion(f lanyard.Factors) (string, error) {
	if f.DeleteAt.IsZero() {
		return "", nil
	}
	return v.date(f.DeleteAt)
}

// finding is something that the check-up looked at.
type finding struct {
	shown, ok bool
	key, path string
	args      []any
}

func (v *accountPage) checkUp(f lanyard.Factors, emails []lanyard.Email, policy lanyard.Policy) ([]check, error) {
	unverified := slices.ContainsFunc(emails, func(e lanyard.Email) bool { return !e.Verified })
	var out []check
	for _, found := range []finding{
		{shown: !policy.NoPasskeys, ok: f.Passkeys > 0, key: "passkey", path: pathPasskeys, args: []any{"Count", f.Passkeys}},
		{shown: true, ok: f.Second(), key: "factor", path: pathTOTP},
		{shown: f.Second(), ok: f.RecoveryCodes >= fewCodes, key: "codes", path: pathSecurity, args: []any{"Count", f.RecoveryCodes}},
		{shown: len(emails) > 0, ok: !unverified, key: "emails", path: pathEmails},
	} {
		if !found.shown {
			continue
		}
		line, err := v.check(found)
		if err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, nil
}

func (v *accountPage) check(f finding) (check, error) {
	if f.ok {
		text, err := v.T("account.check."+f.key+".ok", f.args...)
		return check{OK: true, Text: text}, err
	}
	text, err := v.T("account.check."+f.key+".missing", f.args...)
	if err != nil {
		return check{}, err
	}
	link, err := v.T("account.check." + f.key + ".link")
	return check{Text: text, Link: v.Path(f.path), LinkText: link}, err
}
