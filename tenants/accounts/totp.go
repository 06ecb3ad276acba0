package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Parameters of the code generators: those that every app on the market knows (RFC 6238 §4).
const (
	totpSeed   = 20 // bytes
	totpStep   = 30 // seconds
	totpDigits = 6
	// totpBack is how many steps a generator may be late. None may be ahead: a code of
	// the future could be used again when it has come.
	totpBack = 1
)

// totpOffer is how long an unconfirmed seed can be confirmed.
const totpOffer = 30 * time.Minute

// TOTPEnrolment is what a person needs to set up a code generator.
type TOTPEnrolment struct {
	// Secret is the seed in base32, in groups of four.
	Secret string
	// URI is the otpauth URI that the QR code shows.
	URI lanyard.Secret
	// QR is the code as a PNG; QRSVG is it as an inline svg element made of nothing but the pattern.
	QR    []byte
	QRSVG string
}

// BeginTOTP offers a seed to a holder (a request or session): the same one again
// when it comes back within half an hour. It is not active until it is confirmed.
// A user who has a code generator is lanyard.ErrConflict.
func (a *Accounts) BeginTOTP(ctx context.Context, t Tenancy, user lanyard.User, holder string, now time.Time) (TOTPEnrolment, error) {
	seed := make([]byte, totpSeed)
	_, _ = rand.Read(seed)
	row := storage.TOTP{UserID: user.ID, ID: lanyard.NewSecret().Reveal(), Holder: holder, CreatedAt: now}
	var err error
	if row.Sealed, err = a.Sealer.Seal(totpPlace(t.Scope.TenantID(), row), seed); err != nil {
		return TOTPEnrolment{}, fmt.Errorf("seal a seed: %w", err)
	}
	err = t.Scope.OfferTOTP(ctx, row, now.Add(-totpOffer))
	if errors.Is(err, lanyard.ErrConflict) {
		seed, err = a.offeredSeed(ctx, t.Scope, row)
	}
	if err != nil {
		return TOTPEnrolment{}, err
	}
	return showTOTP(t, user, seed)
}

// offeredSeed is what the holder was offered before.
func (a *Accounts) offeredSeed(ctx context.Context, scope storage.Scope, offer storage.TOTP) ([]byte, error) {
	row, err := scope.TOTP(ctx, offer.UserID)
	if err != nil {
		return nil, orElse(err, lanyard.ErrConflict)
	}
	if !row.ConfirmedAt.IsZero() || row.Holder != offer.Holder {
		return nil, lanyard.ErrConflict
	}
	return a.Sealer.Open(totpPlace(scope.TenantID(), row), row.Sealed)
}

// totpPlace binds a sealed seed to its user and row, so that a moved one does not open.
func totpPlace(tenant lanyard.TenantID, row storage.TOTP) lanyard.Place {
	return lanyard.Place{Tenant: tenant, Table: "totp", Column: "sealed", Row: string(row.UserID) + "/" + row.ID}
}

func showTOTP(t Tenancy, user lanyard.User, seed []byte) (TOTPEnrolment, error) {
	account := user.SignInName()
	if account == "" {
		account = user.Subject
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: tenantLabel(t), AccountName: account, Secret: seed, Period: totpStep, Digits: totpDigits, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return TOTPEnrolment{}, fmt.Errorf("describe a code generator: %w", err)
	}
	pattern, err := qrPattern(key.URL())
	if err != nil {
		return TOTPEnrolment{}, err
	}
	return TOTPEnrolment{Secret: inGroups(key.Secret(), " "), URI: lanyard.SecretOf(key.URL()), QR: pattern.png(), QRSVG: pattern.svg()}, nil
}

// tenantLabel is what authenticators call the tenant. A colon would end the label (otpauth).
func tenantLabel(t Tenancy) string {
	if label := strings.TrimSpace(strings.ReplaceAll(t.Tenant.Name, ":", " ")); label != "" {
		return label
	}
	return t.Tenant.Slug
}

// inGroups writes text in groups of four.
func inGroups(text, separator string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), separator)
}

// ConfirmTOTP checks the first code of a seed that the holder was offered. A wrong
// one is lanyard.ErrWrongCode; without an offer that still stands it is
// lanyard.ErrCodeExpired, with a confirmed generator lanyard.ErrConflict.
func (a *Accounts) ConfirmTOTP(ctx context.Context, t Tenancy, user lanyard.User, holder, code string, from From, now time.Time) (Enrolment, error) {
	row, err := t.Scope.TOTP(ctx, user.ID)
	switch {
	case err != nil:
		return Enrolment{}, orElse(err, lanyard.ErrCodeExpired)
	case !row.ConfirmedAt.IsZero():
		return Enrolment{}, lanyard.ErrConflict
	case row.Holder != holder || !row.CreatedAt.After(now.Add(-totpOffer)):
		return Enrolment{}, lanyard.ErrCodeExpired
	}
	proof, step, err := a.checkTOTP(ctx, t, user, row, code, from, now)
	if err != nil {
		return Enrolment{}, err
	}
	if step == 0 {
		return Enrolment{}, lanyard.ErrWrongCode
	}
	row.LastStep = step
	return Enrolment{
		Method: lanyard.MethodTOTP, tenancy: t, user: user, from: from, now: now,
		event: lanyard.EventTOTPAdded, subject: "totp", apply: a.applyEnrolment,
		enrol: func(ctx context.Context, tx storage.Scope, _ lanyard.Factors) error {
			if err := proof.Success(ctx, tx); err != nil {
				return err
			}
			return tx.ConfirmTOTP(ctx, row, now.Add(-totpOffer), now)
		},
	}, nil
}

// AddTOTP makes the generator active that was offered to the actor's session. It needs a fresh proof.
func (a *Accounts) AddTOTP(ctx context.Context, t Tenancy, actor Actor, code string, now time.Time) ([]lanyard.Secret, error) {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return nil, err
	}
	e, err := a.ConfirmTOTP(ctx, t, actor.User, string(actor.Session.ID), code, actor.From, now)
	if err != nil {
		return nil, err
	}
	return a.addFactor(ctx, t, actor, e, now)
}

// RemoveTOTP takes the code generator away; none is lanyard.ErrNotFound. With the
// last second factor the recovery codes go, and a password that is too short alone
// has to be replaced; where a second factor is required, that is
// lanyard.ErrConflict. It needs a fresh proof.
func (a *Accounts) RemoveTOTP(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	return a.removeFactor(ctx, t, actor, removal{
		event: lanyard.EventTOTPRemoved, subject: "totp",
		check: func(_ context.Context, _ storage.Scope, f lanyard.Factors) error {
			if !f.TOTP {
				return lanyard.ErrNotFound
			}
			return nil
		},
		left: func(f lanyard.Factors) lanyard.Factors { f.TOTP = false; return f },
		remove: func(ctx context.Context, tx storage.Scope) error {
			_, err := tx.DeleteTOTP(ctx, actor.User.ID)
			return err
		},
	}, now)
}

// ProveTOTP checks a code of the user's generator. A wrong or used code, and a user
// without a generator, are lanyard.ErrWrongCode after the same work; each code
// proves once. Only a right code learns that the account is turned off.
func (a *Accounts) ProveTOTP(ctx context.Context, t Tenancy, user lanyard.User, code string, from From, now time.Time) (Proven, error) {
	row, err := t.Scope.TOTP(ctx, user.ID)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return Proven{}, err
	}
	if row.ConfirmedAt.IsZero() {
		row = storage.TOTP{UserID: user.ID}
	}
	proof, step, err := a.checkTOTP(ctx, t, user, row, code, from, now)
	if err != nil {
		return Proven{}, err
	}
	if step == 0 {
		return Proven{}, wrong(ctx, t.Scope, user.ID, lanyard.MethodTOTP, now, lanyard.ErrWrongCode)
	}
	if user.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	proof.spend = func(ctx context.Context, tx storage.Scope) error {
		return orElse(tx.SpendTOTP(ctx, user.ID, row.ID, step), lanyard.ErrWrongCode)
	}
	return proof, nil
}

// checkTOTP counts and verifies a code and finds its step: zero for a wrong or used
// one, and for nobody's generator, a row without an id.
func (a *Accounts) checkTOTP(ctx context.Context, t Tenancy, user lanyard.User, row storage.TOTP, code string, from From, now time.Time) (Proven, int64, error) {
	digits, ok := plainDigits(code)
	if !ok {
		return Proven{}, 0, lanyard.ErrWrongCode
	}
	counted, err := attemptFor(ctx, t.Scope, "totp", string(user.ID), user.ID, from)
	if err != nil {
		return Proven{}, 0, err
	}
	if err := reserve(ctx, t.Scope, counted, now); err != nil {
		return Proven{}, 0, err
	}
	seed, err := a.seedOf(t.Scope.TenantID(), row)
	if err != nil {
		return Proven{}, 0, err
	}
	step, err := stepOf(seed, digits, now)
	if err != nil {
		return Proven{}, 0, err
	}
	if row.ID == "" || step <= row.LastStep {
		step = 0
	}
	return Proven{User: user, Method: lanyard.MethodTOTP, attempt: counted}, step, nil
}

// seedOf opens a seed. That of nobody costs as much.
func (a *Accounts) seedOf(tenant lanyard.TenantID, row storage.TOTP) ([]byte, error) {
	if row.ID == "" {
		nobody := make([]byte, totpSeed)
		_, err := a.Sealer.Seal(totpPlace(tenant, row), nobody)
		return nobody, err
	}
	seed, err := a.Sealer.Open(totpPlace(tenant, row), row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open a seed: %w", err)
	}
	return seed, nil
}

// stepOf finds the time step whose code it is, zero for none, in constant time.
func stepOf(seed []byte, code string, now time.Time) (int64, error) {
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	current, found := now.Unix()/totpStep, 0
	for back := range totpBack + 1 {
		want, err := hotp.GenerateCodeCustom(secret, uint64(current)-uint64(back), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // our time is after 1970
		if err != nil {
			return 0, fmt.Errorf("generate a code: %w", err)
		}
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare([]byte(want), []byte(code)), back+1, found)
	}
	if found == 0 {
		return 0, nil
	}
	return current - int64(found-1), nil
}

// maxTyped bounds what is looked at of a typed code, in bytes.
const maxTyped = 128

// plainDigits is a typed code as six ASCII digits, whatever spaces, hyphens and
// script it was typed in.
func plainDigits(typed string) (string, bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var out strings.Builder
	for _, r := range norm.NFKC.String(typed) {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
		case r >= '0' && r <= '9':
			out.WriteRune(r)
		default:
			return "", false
		}
	}
	return out.String(), out.Len() == totpDigits
}
