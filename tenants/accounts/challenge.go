package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// What a code or link that was sent to an address is for.
const (
	PurposeSignIn   = "sign_in"
	PurposeRecovery = "recovery"
	PurposeSignUp   = "sign_up"
	PurposeVerify   = "verify"
	purposeReset    = "reset"
)

// The pages, below the issuer, that the links in mails lead to.
const (
	LinkPath  = "/login/link"
	ResetPath = "/login/reset"
)

const (
	codeLives = 10 * time.Minute
	// resendPause is how long a holder waits for another mail.
	resendPause = time.Minute
)

// How many mails an address gets, and how many a network address causes.
var (
	mailRule   = storage.AttemptRule{Free: 5, Delay: time.Hour, Longest: time.Hour, Memory: time.Hour}
	senderRule = storage.AttemptRule{Free: 100, Delay: time.Second, Longest: 5 * time.Minute, Memory: time.Hour}
)

// sending is a code or link on its way to an address.
type sending struct {
	holder, purpose string
	// user is whose address it is; zero when it is nobody's.
	user lanyard.User
	// address is what it is sent to and counted for: an address, or a name that nobody has.
	address string
	// letter has the kind; code and link are filled in.
	letter mail.Letter
	// silent says that no mail leaves, dead that no code and no link opens what is
	// stored. The work is the same.
	silent, dead bool
	// registration is who wants an account.
	registration *registration
	// back is the authorization request that a reset leads back to; empty for none.
	back string
	// event is recorded besides that of the mail; empty for none.
	event lanyard.EventType
	lives time.Duration
	from  From
	now   time.Time
}

// sealedChallenge is what of a challenge has to be read back.
type sealedChallenge struct {
	Code         string        `json:"code"`
	Registration *registration `json:"registration,omitempty"`
}

// send stores a challenge and queues its mail. A holder or an address that had too
// many is lanyard.ErrThrottled. What it does, and how often it asks the database,
// does not depend on whether somebody has the address.
func (a *Accounts) send(ctx context.Context, t Tenancy, s sending) error {
	if err := reserveBy(ctx, t.Scope, attemptKey("sender", s.from.Address), senderRule, s.now); err != nil {
		return err
	}
	counter, err := s.counter(ctx, t)
	if err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error { return a.put(ctx, tx, t, s, counter) })
}

// counter is where the mails to the address are counted; a browser that knows its
// owner has a counter of its own.
func (s sending) counter(ctx context.Context, t Tenancy) (string, error) {
	counted, err := attemptFor(ctx, t.Scope, "mail", fold(s.address), s.user.ID, s.from)
	return counted.account, err
}

// reserveBy counts what is about to be done; too much is lanyard.ErrThrottled with the time to wait.
func reserveBy(ctx context.Context, scope storage.Scope, key string, rule storage.AttemptRule, now time.Time) error {
	wait, err := scope.ReserveAttempt(ctx, key, rule, now)
	if err == nil && wait > 0 {
		return lanyard.ErrThrottled.After(wait)
	}
	return err
}

// put stores the challenge, counts and queues its mail, inside a transaction. What
// was asked for too early is not counted.
func (a *Accounts) put(ctx context.Context, tx storage.Scope, t Tenancy, s sending, counter string) error {
	c := storage.Challenge{
		ID: lanyard.NewChallengeID(), Holder: s.holder, Purpose: s.purpose, Address: s.address,
		CreatedAt: s.now, ExpiresAt: s.now.Add(s.lives),
	}
	if !s.dead {
		c.UserID = s.user.ID
	}
	code, link := newCode(), lanyard.NewSecret()
	if err := a.lock(t, &c, s, code, link); err != nil {
		return err
	}
	wait, err := tx.PutChallenge(ctx, c, resendPause)
	if err != nil {
		return err
	}
	if wait > 0 {
		return lanyard.ErrThrottled.After(wait)
	}
	if err := reserveBy(ctx, tx, counter, mailRule, s.now); err != nil {
		return err
	}
	if s.event != "" {
		if err := tx.InsertEvent(ctx, lanyard.Event{Type: s.event, At: s.now, Actor: "system", UserID: s.user.ID}); err != nil {
			return err
		}
	}
	letter := s.letter
	letter.Languages, letter.At, letter.Address, letter.UserAgent = languagesOf(s.user, s.from), s.now, s.from.Address, s.from.UserAgent
	if s.user.ID != "" {
		letter.Name = s.user.DisplayName()
	}
	if !s.dead {
		letter.Expires, letter.Link = c.ExpiresAt, s.link(t, link)
	}
	if !s.dead && s.purpose != purposeReset {
		letter.Code = code.Reveal()
	}
	return a.deliver(ctx, tx, s.user.ID, letter, s.silent, s.now, c.ExpiresAt)
}

// link is where a mail leads to.
func (s sending) link(t Tenancy, token lanyard.Secret) string {
	query := url.Values{"token": {token.Reveal()}}
	if s.purpose != purposeReset {
		return t.Issuer + LinkPath + "?" + query.Encode()
	}
	if s.back != "" {
		query.Set("request", s.back)
	}
	return t.Issuer + ResetPath + "?" + query.Encode()
}

// lock fills in what opens a challenge. Of a dead one nothing does: neither code nor
// link is what is stored.
func (a *Accounts) lock(t Tenancy, c *storage.Challenge, s sending, code, link lanyard.Secret) error {
	id, key := t.MACs.CurrentMAC()
	if id == "" || len(id) > 255 {
		return fmt.Errorf("%w: the tenant has no key for codes", lanyard.ErrUnavailable)
	}
	c.MAC, c.LinkHash = codeMAC(id, key, t.Scope.TenantID(), *c, code), link.Hash()
	if s.dead || s.silent {
		_, _ = rand.Read(c.MAC[1+len(id):])
		c.LinkHash = lanyard.NewSecret().Hash()
	}
	plain, err := json.Marshal(sealedChallenge{Code: code.Reveal(), Registration: s.registration})
	if err != nil {
		return fmt.Errorf("write what a challenge is about: %w", err)
	}
	c.Sealed, err = a.Sealer.Seal(challengePlace(t, *c), plain)
	return err
}

func (a *Accounts) unlock(t Tenancy, c storage.Challenge) (sealedChallenge, error) {
	var out sealedChallenge
	plain, err := a.Sealer.Open(challengePlace(t, c), c.Sealed)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(plain, &out); err != nil {
		return out, fmt.Errorf("read what a challenge is about: %w", err)
	}
	return out, nil
}

func challengePlace(t Tenancy, c storage.Challenge) lanyard.Place {
	return lanyard.Place{Tenant: t.Scope.TenantID(), Table: "challenges", Column: "sealed", Row: string(c.ID)}
}

// codeMAC is what is stored of a code: the length and id of the key, and the
// HMAC-SHA-256 of code, tenant, purpose, challenge and address under it. Each part
// is preceded by its length.
func codeMAC(id lanyard.KeyID, key []byte, tenant lanyard.TenantID, c storage.Challenge, code lanyard.Secret) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range []string{"lanyard code", string(tenant), c.Purpose, string(c.ID), c.Address, code.Reveal()} {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // parts are short
		_, _ = h.Write([]byte(part))
	}
	return h.Sum(append([]byte{byte(len(id))}, id...)) //nolint:gosec // lock refuses longer ids
}

// opens tells whether a code is the one of a challenge, under whatever key it was made.
func opens(t Tenancy, c storage.Challenge, code lanyard.Secret) bool {
	if len(c.MAC) == 0 || len(c.MAC) < 1+int(c.MAC[0]) {
		return false
	}
	id := lanyard.KeyID(c.MAC[1 : 1+int(c.MAC[0])])
	key, known := t.MACs.MAC(id)
	return known && hmac.Equal(c.MAC, codeMAC(id, key, t.Scope.TenantID(), c, code))
}

// newCode makes six random digits.
func newCode() lanyard.Secret {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(fmt.Sprintf("accounts: no random numbers: %v", err)) // never since Go 1.24
	}
	return lanyard.SecretOf(fmt.Sprintf("%06d", n))
}

// typedCode reads six digits as people type them: in any script's full-width form,
// with spaces and hyphens. Anything else is no code, and opens nothing.
func typedCode(typed string) lanyard.Secret {
	const longest = 64
	if len(typed) > longest {
		return lanyard.Secret{}
	}
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
	if len(digits) != 6 || strings.Trim(digits, "0123456789") != "" {
		return lanyard.Secret{}
	}
	return lanyard.SecretOf(digits)
}

// try counts and compares a code. A wrong one is lanyard.ErrWrongCode; one that was
// right, and any after too many wrong ones, is lanyard.ErrCodeExpired. The challenge
// still has to be spent.
func try(ctx context.Context, t Tenancy, holder, purpose, typed string, now time.Time) (storage.Challenge, error) {
	c, err := t.Scope.TryChallenge(ctx, holder, purpose)
	if errors.Is(err, lanyard.ErrNotFound) {
		return c, lanyard.ErrWrongCode
	}
	switch {
	case err != nil:
		return c, err
	case c.Failures > storage.ChallengeTries:
		return c, lanyard.ErrCodeExpired
	case !opens(t, c, typedCode(typed)):
		return c, lanyard.ErrWrongCode
	case !now.Before(c.ExpiresAt):
		return c, lanyard.ErrCodeExpired
	}
	return c, nil
}

// spent takes a challenge out inside a transaction; lanyard.ErrWrongCode when
// another request was faster.
func spent(ctx context.Context, tx storage.Scope, c storage.Challenge, now time.Time) error {
	_, err := tx.SpendChallenge(ctx, c.ID, c.MAC, now)
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrWrongCode
	}
	return err
}

// LinkView is what a link in a mail is about.
type LinkView struct {
	Purpose string
	// Holder is the authorization request or session where the code has to be typed.
	Holder string
	// Address is where the mail went.
	Address string
	// Code is to be shown when the browser at hand is not the holder's, and to be
	// posted for the person when it is.
	Code lanyard.Secret
}

// LinkOf reads what a link is about. It spends nothing, since programs open links
// before people do. A link that leads nowhere is lanyard.ErrLinkUsed.
func (a *Accounts) LinkOf(ctx context.Context, t Tenancy, token lanyard.Secret, now time.Time) (LinkView, error) {
	c, err := t.Scope.ChallengeByLink(ctx, token.Hash())
	if errors.Is(err, lanyard.ErrNotFound) || (err == nil && (!c.Live(now) || c.Purpose == purposeReset)) {
		return LinkView{}, lanyard.ErrLinkUsed
	}
	if err != nil {
		return LinkView{}, err
	}
	inside, err := a.unlock(t, c)
	if err != nil {
		return LinkView{}, err
	}
	return LinkView{Purpose: c.Purpose, Holder: c.Holder, Address: c.Address, Code: lanyard.SecretOf(inside.Code)}, nil
}
