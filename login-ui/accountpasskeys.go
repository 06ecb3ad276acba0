package loginui

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// passkeyDeeds keep a person's passkeys.
type passkeyDeeds interface {
	Passkeys(ctx context.Context, t accounts.Tenancy, user lanyard.UserID) ([]lanyard.Passkey, error)
	PasskeyCreation(ctx context.Context, t accounts.Tenancy, user lanyard.User, holder string, now time.Time) ([]byte, error)
	AddPasskey(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, response []byte, name string, now time.Time) ([]lanyard.Secret, error)
	RenamePasskey(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id, name string, now time.Time) error
	RemovePasskey(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, id string, now time.Time) error
}

const (
	passkeyParam = "id"
	// removedParam names a passkey that was just removed.
	removedParam = "removed"
)

// passkeyEntry is one passkey of the list.
type passkeyEntry struct {
	ID, Name string
	// Provider is who made it, as a hint; empty if that is not known or is the name.
	Provider      string
	Synced        bool
	Created, Used moment
	// Remove is the page that asks before it is removed.
	Remove string
}

// passkeyView is the page that makes a passkey.
type passkeyNewView struct{ *accountPage }

// removeView asks before a passkey is removed.
type removeView struct {
	*accountPage
	Passkey passkeyEntry
	Action  string
	// Last says that no second factor is left afterwards.
	Last bool
}

func (p *Pages) passkeyScreen() screen {
	return screen{
		path: pathPasskeys, area: pathSecurity, heading: "account.passkey.heading", template: "accountpasskey.html", script: "account.js",
		fresh: always, view: func(_ *gin.Context, v *accountPage) (any, error) { return passkeyNewView{v}, nil },
	}
}

func (p *Pages) removePasskeyScreen() screen {
	return screen{
		path: pathRemovePasskey, area: pathSecurity, heading: "account.passkey.remove_heading", template: "accountpasskeyremove.html",
		fresh: always, view: p.viewRemovePasskey,
	}
}

func (p *Pages) passkeyForms() []accountForm {
	made := either(enrolPasskeyMistakes, among(mistake{lanyard.ErrConflict, "", "account.passkey.conflict", nil}))
	named := among(mistake{lanyard.ErrBadInput, "", "account.passkey.nameless", nil})
	removed := among(
		mistake{lanyard.ErrLastWayIn, "", "account.security.last", nil},
		mistake{lanyard.ErrConflict, "", "account.security.required", nil},
	)
	return []accountForm{
		{path: pathPasskeys, at: p.passkeyScreen(), do: p.addPasskey, explain: made, maxBody: maxCredentialForm},
		{path: pathPasskeys + "/rename", at: p.securityScreen(), do: p.renamePasskey, explain: named},
		{path: pathRemovePasskey, at: p.removePasskeyScreen(), do: p.removePasskey, explain: removed},
	}
}

// ownPasskeyOptions answers script with the options for navigator.credentials.create.
// Without a fresh proof nothing is begun: what the authenticator made could not be kept.
func (p *Pages) ownPasskeyOptions(c *gin.Context) error {
	me, err := p.self(c)
	if err != nil {
		return err
	}
	o, err := p.SignIn.BeginLocal(c.Request.Context(), live(c), pathPasskeys, me.User.Subject, true, p.newcomer(c))
	if err != nil {
		return err
	}
	if o.Local == "" {
		return lanyard.ErrFreshProof
	}
	options, err := p.Accounts.PasskeyCreation(c.Request.Context(), live(c).Tenancy(), me.User, string(me.Session.ID), p.Clock.Now())
	if err != nil {
		return err
	}
	writeJSON(c, options)
	return nil
}

func (p *Pages) addPasskey(c *gin.Context, me self, f posted) (web.Handler, error) {
	credential, err := f.credential()
	if err != nil {
		return nil, err
	}
	name := f.value("name")
	if len(name) > maxPasskeyName {
		return nil, errLongField
	}
	codes, err := p.Accounts.AddPasskey(c.Request.Context(), live(c).Tenancy(), me.Actor, credential, name, p.Clock.Now())
	return p.added(me, codes, "passkey_added"), err
}

func (p *Pages) renamePasskey(c *gin.Context, me self, f posted) (web.Handler, error) {
	id, name := f.value(passkeyParam), f.value("name")
	if len(name) > maxPasskeyName {
		return nil, errLongField
	}
	if !isCredentialID(id) {
		return nil, lanyard.ErrNotFound
	}
	return done(pathSecurity, "passkey_renamed"), p.Accounts.RenamePasskey(c.Request.Context(), live(c).Tenancy(), me.Actor, id, name, p.Clock.Now())
}

func (p *Pages) removePasskey(c *gin.Context, me self, _ posted) (web.Handler, error) {
	id := c.Query(passkeyParam)
	if !isCredentialID(id) {
		return nil, lanyard.ErrNotFound
	}
	query := noticeOf("passkey_removed")
	query.Set(removedParam, id)
	return leadTo(pathSecurity, query), p.Accounts.RemovePasskey(c.Request.Context(), live(c).Tenancy(), me.Actor, id, p.Clock.Now())
}

func (p *Pages) viewRemovePasskey(c *gin.Context, v *accountPage) (any, error) {
	all, err := p.Accounts.Passkeys(c.Request.Context(), live(c).Tenancy(), v.me.User.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(k lanyard.Passkey) bool { return k.ID == c.Query(passkeyParam) })
	if i < 0 {
		return nil, lanyard.ErrNotFound
	}
	factors, err := p.factors(c, v.me)
	if err != nil {
		return nil, err
	}
	entry, err := v.passkeyEntry(all[i])
	return removeView{accountPage: v, Passkey: entry, Action: entry.Remove, Last: len(all) == 1 && !factors.TOTP}, err
}

func (v *accountPage) passkeyEntries(all []lanyard.Passkey) ([]passkeyEntry, error) {
	var out []passkeyEntry
	for _, k := range all {
		entry, err := v.passkeyEntry(k)
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

func (v *accountPage) passkeyEntry(k lanyard.Passkey) (passkeyEntry, error) {
	out := passkeyEntry{ID: k.ID, Name: plain(k.Name), Provider: accounts.PasskeyProvider(k.AAGUID), Synced: k.Synced}
	if out.Provider == out.Name {
		out.Provider = ""
	}
	out.Remove = web.Local(v.Site, pathRemovePasskey, url.Values{passkeyParam: {k.ID}}).Location()
	var err error
	if out.Created, err = v.moment(k.CreatedAt); err != nil {
		return out, err
	}
	out.Used, err = v.moment(k.UsedAt)
	return out, err
}

// removedPasskey is the id of a passkey that the address says was removed: only one
// that the person really has not is for the browser to forget.
func removedPasskey(id string, left []lanyard.Passkey) string {
	if !isCredentialID(id) || slices.ContainsFunc(left, func(k lanyard.Passkey) bool { return k.ID == id }) {
		return ""
	}
	return id
}

// isCredentialID tells whether a text has the form of a credential id in base64url.
func isCredentialID(id string) bool {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return id != "" && len(id) <= maxCredentialID && strings.Trim(id, base64url) == ""
}
