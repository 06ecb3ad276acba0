package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
)

// MaxPassword is the longest password, in bytes, that is looked at.
const MaxPassword = 1024

// Cost of a hash: RFC 9106 in the variant that OWASP recommends for servers.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Bounds on what a stored hash may ask for, so that a hostile row costs no more than a hard one.
const (
	maxArgonMemory  = 256 * 1024 // KiB
	maxArgonTime    = 16
	maxArgonThreads = 16
)

// waitersPerSlot bounds how many sign-ins queue for a hash; the rest is told to come back.
const waitersPerSlot = 32

// Hasher computes Argon2id hashes, a few at a time. Make it with NewHasher.
type Hasher struct {
	slots   chan struct{}
	waiters chan struct{}
	dummy   string
	// Observe is told how long each hash took; nil is fine. Now times it.
	Observe func(time.Duration)
	Now     func() time.Time
}

// NewHasher makes a hasher that uses at most the machine's cores.
func NewHasher() *Hasher {
	n := runtime.GOMAXPROCS(0)
	h := &Hasher{slots: make(chan struct{}, n), waiters: make(chan struct{}, n*waitersPerSlot)}
	h.dummy = encodeArgon(make([]byte, argonSalt), make([]byte, argonKey))
	return h
}

// Hash makes the PHC string of a password. A storm of calls is lanyard.ErrUnavailable.
func (h *Hasher) Hash(ctx context.Context, password lanyard.Secret) (string, error) {
	if err := checkLength(password); err != nil {
		return "", err
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt)
	var key []byte
	err := h.inSlot(ctx, func() {
		key = argon2.IDKey(normalized(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	})
	if err != nil {
		return "", err
	}
	return encodeArgon(salt, key), nil
}

// Verify compares a password with a stored hash. An empty string stands for nobody's
// password: it costs the same and never matches. rehash tells that the hash was made
// in another way, or with another cost, than Hash makes them. A stored string that
// can not be used is an error, and nothing is computed for it.
func (h *Hasher) Verify(ctx context.Context, phc string, password lanyard.Secret) (matches, rehash bool, err error) {
	if err := checkLength(password); err != nil {
		return false, false, err
	}
	real := phc != ""
	if !real {
		phc = h.dummy
	}
	stored, err := parseHash(phc)
	if err != nil {
		return false, false, err
	}
	equal := false
	if err := h.inSlot(ctx, func() { equal = stored.matches(normalized(password)) }); err != nil {
		return false, false, err
	}
	return equal && real, !stored.ours, nil
}

// normalized is the form in which a password is measured, hashed and compared: NFC,
// so that it does not depend on how a keyboard writes an accent (RFC 8265 §4.2.2).
// It changes no ASCII.
func normalized(password lanyard.Secret) []byte {
	return norm.NFC.Bytes([]byte(password.Reveal()))
}

func checkLength(password lanyard.Secret) error {
	if len(password.Reveal()) > MaxPassword {
		return lanyard.ErrBadInput.Saying("the password is too long")
	}
	return nil
}

// inSlot runs one hash when a slot is free; too long a queue is refused at once.
func (h *Hasher) inSlot(ctx context.Context, hash func()) error {
	select {
	case h.waiters <- struct{}{}:
		defer func() { <-h.waiters }()
	default:
		return lanyard.ErrUnavailable
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for a password hash: %w", lanyard.ErrUnavailable, ctx.Err())
	}
	if h.Observe == nil || h.Now == nil {
		hash()
		return nil
	}
	began := h.Now()
	hash()
	h.Observe(h.Now().Sub(began))
	return nil
}

type argonHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
	// independent is Argon2i, which we do not make.
	independent bool
}

func encodeArgon(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func parseArgon(phc string) (argonHash, error) {
	var out argonHash
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return out, errUnusableHash
	}
	if parts[1] != "argon2id" && parts[1] != "argon2i" {
		return out, errUnusableHash
	}
	out.independent = parts[1] == "argon2i"
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &out.memory, &out.time, &out.threads); err != nil {
		return out, errUnusableHash
	}
	var serr, kerr error
	out.salt, serr = base64.RawStdEncoding.DecodeString(parts[4])
	out.key, kerr = base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || kerr != nil || !out.bounded() {
		return out, errUnusableHash
	}
	return out, nil
}

func (a argonHash) bounded() bool {
	return a.memory >= 8 && a.memory <= maxArgonMemory && a.time >= 1 && a.time <= maxArgonTime &&
		a.threads >= 1 && a.threads <= maxArgonThreads && len(a.salt) >= 8 && len(a.salt) <= 64 && len(a.key) >= 16 && len(a.key) <= 64
}

func (a argonHash) matches(password []byte) bool {
	derive := argon2.IDKey
	if a.independent {
		derive = argon2.Key
	}
	key := derive(password, a.salt, a.time, a.memory, a.threads, uint32(len(a.key))) //nolint:gosec // bounded by parseArgon
	return subtle.ConstantTimeCompare(key, a.key) == 1
}

// ours tells whether Hash would make the same string.
func (a argonHash) ours() bool {
	return !a.independent && a.memory == argonMemory && a.time == argonTime && a.threads == argonThreads
}
