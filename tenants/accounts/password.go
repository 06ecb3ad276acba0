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
		key = argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemory, argonThreads, argonKey)
	})
	if err != nil {
		return "", err
	}
	return encodeArgon(salt, key), nil
}

// Verify compares a password with a PHC string. An empty string stands for nobody's
// password: it costs the same and never matches. rehash tells that the hash was
// made with another cost. A stored string that can not be used is an error.
func (h *Hasher) Verify(ctx context.Context, phc string, password lanyard.Secret) (matches, rehash bool, err error) {
	if err := checkLength(password); err != nil {
		return false, false, err
	}
	real := phc != ""
	if !real {
		phc = h.dummy
	}
	stored, err := parseArgon(phc)
	if err != nil {
		return false, false, err
	}
	equal := false
	err = h.inSlot(ctx, func() {
		key := argon2.IDKey([]byte(password.Reveal()), stored.salt, stored.time, stored.memory, stored.threads, uint32(len(stored.key))) //nolint:gosec // bounded by parseArgon
		equal = subtle.ConstantTimeCompare(key, stored.key) == 1
	})
	if err != nil {
		return false, false, err
	}
	return equal && real, stored.memory != argonMemory || stored.time != argonTime || stored.threads != argonThreads, nil
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
}

func encodeArgon(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func parseArgon(phc string) (argonHash, error) {
	var out argonHash
	bad := fmt.Errorf("a stored password hash can not be used")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return out, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &out.memory, &out.time, &out.threads); err != nil {
		return out, bad
	}
	var serr, kerr error
	out.salt, serr = base64.RawStdEncoding.DecodeString(parts[4])
	out.key, kerr = base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || kerr != nil || !out.bounded() {
		return out, bad
	}
	return out, nil
}

func (a argonHash) bounded() bool {
	return a.memory >= 8 && a.memory <= maxArgonMemory && a.time >= 1 && a.time <= maxArgonTime &&
		a.threads >= 1 && a.threads <= maxArgonThreads && len(a.salt) >= 8 && len(a.salt) <= 64 && len(a.key) >= 16 && len(a.key) <= 64
}
