package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Browser is the user agent that a session is started on.
type Browser struct {
	// Secret is the value of its cookie; zero for a browser without one.
	Secret    lanyard.Secret
	UserAgent string
	Address   string
}

// Started is a session that began, with the browser's new cookie value.
type Started struct {
	ID        lanyard.SessionID
	BrowserID lanyard.BrowserID
	Browser   lanyard.Secret
}

// maxUserAgent bounds what is kept of a User-Agent header, in bytes.
const maxUserAgent = 256

// Start begins a session on a browser, inside the caller's transaction, and records who signed in.
func Start(ctx context.Context, tx storage.Scope, b Browser, p storage.Proof, client lanyard.ClientID) (Started, error) {
	secret := lanyard.NewSecret()
	row := lanyard.Browser{ID: lanyard.NewBrowserID(), UserAgent: clip(b.UserAgent), Address: b.Address, SeenAt: p.At, ConnectionID: p.Connection}
	browser, err := tx.PutBrowser(ctx, b.Secret.Hash(), secret.Hash(), row)
	if err != nil {
		return Started{}, err
	}
	id, err := tx.StartSession(ctx, browser, p)
	if err != nil {
		return Started{}, err
	}
	err = tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventUserSignedIn, At: p.At, Actor: string(p.User), UserID: p.User, SessionID: id, ClientID: client,
		Detail: map[string]string{"acr": p.ACR, "amr": strings.Join(p.AMR, " ")},
	})
	return Started{ID: id, BrowserID: browser, Browser: secret}, err
}

// SignedIn lists the live sessions of the browser with the cookie secret, newest first.
func SignedIn(ctx context.Context, scope storage.Scope, browser lanyard.Secret, now time.Time) ([]lanyard.Account, error) {
	if browser.IsZero() {
		return nil, nil
	}
	_, accounts, err := scope.Accounts(ctx, browser.Hash(), "")
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil, nil
	}
	return slices.DeleteFunc(accounts, func(a lanyard.Account) bool { return !a.Session.Usable(now) }), err
}

// End ends a session and records it; ending one that has ended is fine. Tokens
// and refresh families that are not offline are dead from then on.
func End(ctx context.Context, scope storage.Scope, s lanyard.Session, e lanyard.Event) error {
	return scope.InTx(ctx, func(tx storage.Scope) error {
		ended, err := tx.EndSession(ctx, s.ID, e.At)
		if err != nil || !ended {
			return err
		}
		e.Type, e.SessionID, e.UserID = lanyard.EventSessionEnded, s.ID, s.UserID
		return tx.InsertEvent(ctx, e)
	})
}

func clip(userAgent string) string {
	if len(userAgent) > maxUserAgent {
		return userAgent[:maxUserAgent]
	}
	return userAgent
}
