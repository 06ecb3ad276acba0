package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// How many wrong passwords pass without delay, and how the delay grows after them.
var (
	accountRule = storage.AttemptRule{Free: 8, Delay: time.Second, Longest: 15 * time.Minute, Memory: time.Hour}
	addressRule = storage.AttemptRule{Free: 300, Delay: time.Second, Longest: 5 * time.Minute, Memory: time.Hour}
)

// rules are those of kinds of proof that need another one than passwords: of the
// million codes of a generator two are right, so guessing has to take years.
var rules = map[string]storage.AttemptRule{
	"totp": {Free: 5, Delay: time.Second, Longest: time.Hour, Memory: 24 * time.Hour},
}

// attempt is one try to prove something, with the keys under which it is counted.
type attempt struct {
	// account counts tries against one account from anywhere, or from one known browser.
	account string
	// rule is that of the account; zero for accountRule.
	rule storage.AttemptRule
	// address counts tries from one address.
	address string
}

// attemptFor names the counters of a try to prove something by a kind of proof: one
// for the subject (a user, or what stands for one that does not exist), or for the
// user on a browser that knows them, so that strangers can not lock the owner out.
func attemptFor(ctx context.Context, scope storage.Scope, kind, subject string, user lanyard.UserID, from From) (attempt, error) {
	known, err := scope.BrowserKnows(ctx, from.BrowserHash, user)
	if err != nil {
		return attempt{}, err
	}
	out := attempt{account: attemptKey(kind, subject), rule: rules[kind], address: attemptKey("address", from.Address)}
	if known {
		out.account = attemptKey("known-"+kind, subject, string(from.BrowserHash))
	}
	return out, nil
}

// attemptKey hides what was typed: keys are stored.
func attemptKey(kind string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return kind + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// reserve counts the attempt before it is verified; too many are lanyard.ErrThrottled
// with the time to wait. When it can not be counted, it is not verified either: an
// outage is the answer.
func reserve(ctx context.Context, scope storage.Scope, t attempt, now time.Time) error {
	if t.rule.Free == 0 {
		t.rule = accountRule
	}
	for _, count := range []struct {
		key  string
		rule storage.AttemptRule
	}{{t.account, t.rule}, {t.address, addressRule}} {
		wait, err := scope.ReserveAttempt(ctx, count.key, count.rule, now)
		if err != nil {
			return err
		}
		if wait > 0 {
			return lanyard.ErrThrottled.After(wait)
		}
	}
	return nil
}

// Limit counts what is about to be done by or to a subject; too much is
// lanyard.ErrThrottled with the time to wait.
func Limit(ctx context.Context, scope storage.Scope, kind, subject string, rule storage.AttemptRule, now time.Time) error {
	return reserveBy(ctx, scope, attemptKey(kind, subject), rule, now)
}

// GiveBack takes one count of Limit back, of what turned out to be right.
func GiveBack(ctx context.Context, scope storage.Scope, kind, subject string) error {
	return scope.RefundAttempt(ctx, attemptKey(kind, subject))
}

// Success uses the proof up and takes back what it had reserved: the count of its
// own kind begins anew, the address has one attempt less.
func (p Proven) Success(ctx context.Context, tx storage.Scope) error {
	if p.spend != nil {
		if err := p.spend(ctx, tx); err != nil {
			return err
		}
	}
	if err := tx.ClearAttempts(ctx, p.attempt.account); err != nil {
		return err
	}
	return tx.RefundAttempt(ctx, p.attempt.address)
}
