package accounts

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// noticeFor is how long a notice may be late before it is not worth sending.
const noticeFor = 3 * 24 * time.Hour

// change is a change of somebody's credentials.
type change struct {
	user lanyard.User
	// by is who did it; empty for the user.
	by string
	// except is the session that the change was made in; it goes on.
	except lanyard.SessionID
	event  lanyard.EventType
	detail map[string]string
	// notice is the mail about it; subject says what was changed.
	notice  lanyard.MailKind
	subject string
	from    From
	now     time.Time
}

// changed follows every change of credentials, in its transaction: whatever was
// signed in before ends, except the session of the change; browsers are no longer
// remembered; pending proofs, links and codes of the user are void; it is recorded,
// and told by mail.
func (a *Accounts) changed(ctx context.Context, tx storage.Scope, c change) error {
	if c.by == "" {
		c.by = string(c.user.ID)
	}
	if _, err := tx.BumpUserRevision(ctx, c.user.ID); err != nil {
		return err
	}
	if _, err := tx.EndUserSessions(ctx, c.user.ID, c.except, c.now); err != nil {
		return err
	}
	if _, err := tx.RevokeUserGrants(ctx, c.user.ID, c.except, lanyard.RevokedCredentials, c.now); err != nil {
		return err
	}
	if err := tx.DeleteOneTimeTokens(ctx, c.user.ID); err != nil {
		return err
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: c.event, At: c.now, Actor: c.by, UserID: c.user.ID, SessionID: c.except, Detail: c.detail,
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, c.user, mail.Letter{Kind: c.notice, Subject: c.subject}, c.from, c.now)
}

// notify tells a user by mail what happened, at the primary address or at that of
// the letter; a user without an address is not told.
func (a *Accounts) notify(ctx context.Context, tx storage.Scope, user lanyard.User, letter mail.Letter, from From, now time.Time) error {
	if letter.To == "" {
		letter.To = user.Profile.Email
	}
	if letter.To == "" || letter.Kind == "" {
		return nil
	}
	letter.Name, letter.Languages = user.DisplayName(), languagesOf(user, from)
	letter.At, letter.Address, letter.UserAgent = now, from.Address, from.UserAgent
	return a.Post(ctx, tx, user.ID, letter, now, now.Add(noticeFor))
}

// languagesOf are the languages to write to a user in, best first.
func languagesOf(user lanyard.User, from From) []string {
	if user.Profile.Locale == "" {
		return from.Languages
	}
	return append([]string{user.Profile.Locale}, from.Languages...)
}
