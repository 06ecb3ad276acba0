package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	// recoveryCodes is how many codes a set has.
	recoveryCodes = 10
	// recoveryBytes is the strength of a code: 80 bits.
	recoveryBytes = 10
)

// crockford has no letters that look like digits.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// RenewRecoveryCodes replaces the actor's recovery codes and returns them, to be
// shown once; the old set is void. A user without a second factor is
// lanyard.ErrConflict. It needs a fresh proof.
func (a *Accounts) RenewRecoveryCodes(ctx context.Context, t Tenancy, actor Actor, now time.Time) ([]lanyard.Secret, error) {
	var codes []lanyard.Secret
	err := risky(ctx, t, actor, now, func(tx storage.Scope, f lanyard.Factors) error {
		var err error
		codes, err = a.renewCodes(ctx, tx, t.MACs, f, change{user: actor.User, by: actor.By, except: actor.Session.ID, from: actor.From, now: now})
		return err
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// NewRecoveryCodes does the same during a sign-in, inside the caller's transaction
// tx: the caller answers for the proof. The user's revision grows.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, t Tenancy, tx storage.Scope, user lanyard.User, from From, now time.Time) ([]lanyard.Secret, error) {
	f, err := holdFactors(ctx, tx, user.ID, now)
	if err != nil {
		return nil, err
	}
	return a.renewCodes(ctx, tx, t.MACs, f, change{user: user, from: from, now: now})
}

func (a *Accounts) renewCodes(ctx context.Context, tx storage.Scope, macs lanyard.MACs, f lanyard.Factors, c change) ([]lanyard.Secret, error) {
	if !f.Second() {
		return nil, lanyard.ErrConflict.Saying("there is no second factor that codes could stand in for")
	}
	codes, err := putRecoveryCodes(ctx, tx, macs, c.user.ID, c.now)
	if err != nil {
		return nil, err
	}
	c.event, c.notice, c.subject = lanyard.EventCodesRenewed, lanyard.MailCodesRenewed, "recovery_codes"
	return codes, a.changed(ctx, tx, c)
}

// putRecoveryCodes makes a set of codes in place of the one there is.
func putRecoveryCodes(ctx context.Context, tx storage.Scope, keys lanyard.MACs, user lanyard.UserID, now time.Time) ([]lanyard.Secret, error) {
	id, key := keys.CurrentMAC()
	if id == "" {
		return nil, fmt.Errorf("make recovery codes: tenant %s has no key for them", tx.TenantID())
	}
	codes, macs := make([]lanyard.Secret, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw)
		code := crockford.EncodeToString(raw)
		codes[i], macs[i] = lanyard.SecretOf(inGroups(code, "-")), recoveryMAC(id, key, user, code)
	}
	return codes, tx.ReplaceRecoveryCodes(ctx, user, macs, now)
}

// recoveryMAC is the stored form of a code: the length and id of the key, and the
// HMAC under it, which says also whose code it is and what for.
func recoveryMAC(id lanyard.KeyID, key []byte, user lanyard.UserID, code string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte("recovery code\x00" + string(user) + "\x00" + code))
	return h.Sum(append([]byte{byte(len(id))}, id...)) //nolint:gosec // ids of keys are short
}

// recoveryKey is the id of the key that a stored code was made under.
func recoveryKey(mac []byte) lanyard.KeyID {
	if len(mac) == 0 || len(mac) <= int(mac[0]) {
		return ""
	}
	return lanyard.KeyID(mac[1 : 1+int(mac[0])])
}

// ProveRecoveryCode checks a recovery code, in whatever spelling it was typed. A
// wrong or used one, and a user without codes, are lanyard.ErrWrongCode after the
// same work; each code proves once.
func (a *Accounts) ProveRecoveryCode(ctx context.Context, t Tenancy, user lanyard.User, code string, from From, now time.Time) (Proven, error) {
	plain, ok := plainRecoveryCode(code)
	if !ok {
		return Proven{}, lanyard.ErrWrongCode
	}
	counted, err := attemptFor(ctx, t.Scope, "recovery", string(user.ID), user.ID, from)
	if err != nil {
		return Proven{}, err
	}
	if err := reserve(ctx, t.Scope, counted, now); err != nil {
		return Proven{}, err
	}
	stored, err := t.Scope.RecoveryCodes(ctx, user.ID)
	if err != nil {
		return Proven{}, err
	}
	spent := findRecoveryCode(t.MACs, stored, user.ID, plain)
	if spent == nil {
		return Proven{}, wrong(ctx, t.Scope, user.ID, lanyard.MethodRecoveryCode, now, lanyard.ErrWrongCode)
	}
	if user.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	return Proven{User: user, Method: lanyard.MethodRecoveryCode, attempt: counted, spend: func(ctx context.Context, tx storage.Scope) error {
		return a.spendRecoveryCode(ctx, tx, user, spent, from, now)
	}}, nil
}

// findRecoveryCode compares with every code of a set, or as often with none.
func findRecoveryCode(keys lanyard.MACs, stored [][]byte, user lanyard.UserID, code string) []byte {
	var found []byte
	for i := range max(len(stored), recoveryCodes) {
		var candidate []byte
		if i < len(stored) {
			candidate = stored[i]
		}
		id := recoveryKey(candidate)
		key, known := keys.MAC(id)
		if subtle.ConstantTimeCompare(recoveryMAC(id, key, user, code), candidate) == 1 && known {
			found = candidate
		}
	}
	return found
}

func (a *Accounts) spendRecoveryCode(ctx context.Context, tx storage.Scope, user lanyard.User, mac []byte, from From, now time.Time) error {
	if err := tx.SpendRecoveryCode(ctx, user.ID, mac); err != nil {
		return orElse(err, lanyard.ErrWrongCode)
	}
	rest, err := tx.RecoveryCodes(ctx, user.ID)
	if err != nil {
		return err
	}
	left := strconv.Itoa(len(rest))
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventCodeUsed, At: now, Actor: string(user.ID), UserID: user.ID, Detail: map[string]string{"left": left},
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, user, mail.Letter{Kind: lanyard.MailRecoveryUsed, Subject: left}, from, now)
}

// plainRecoveryCode is a typed code as it was made: upper case, without hyphens
// and spaces, letters that look like digits taken for them.
func plainRecoveryCode(typed string) (string, bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var out strings.Builder
	for _, r := range strings.ToUpper(norm.NFKC.String(typed)) {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
			continue
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		}
		out.WriteRune(r)
	}
	raw, err := crockford.DecodeString(out.String())
	return out.String(), err == nil && len(raw) == recoveryBytes
}
