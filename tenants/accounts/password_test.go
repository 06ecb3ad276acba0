package accounts

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

const (
	aPassword = "a password of some length"
	plainCost = "m=64,t=1,p=1" // cheap, for rows of the tests' own
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// verify fails the test on anything but a verdict.
func verify(t *testing.T, h *Hasher, phc, password string) (matches, rehash bool) {
	t.Helper()
	matches, rehash, err := h.Verify(t.Context(), phc, lanyard.SecretOf(password))
	ok(t, err)
	return matches, rehash
}

func TestPasswordMatchesItsHashAlone(t *testing.T) {
	h := NewHasher()
	phc, err := h.Hash(t.Context(), lanyard.SecretOf(aPassword))
	ok(t, err)
	other, err := h.Hash(t.Context(), lanyard.SecretOf(aPassword))
	ok(t, err)
	if phc == other || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hashes are %q and %q", phc, other)
	}
	if matches, rehash := verify(t, h, phc, aPassword); !matches || rehash {
		t.Errorf("its own password: matches %v, rehash %v", matches, rehash)
	}
	for _, wrong := range []string{"", aPassword + "x", aPassword[1:], strings.ToUpper(aPassword), strings.Repeat("x", MaxPassword)} {
		if matches, _ := verify(t, h, phc, wrong); matches {
			t.Errorf("%q matches", wrong)
		}
	}
}

// TestNoByteOfAPasswordIsCutOff is ATTACKS.md 91 and 122.
func TestNoByteOfAPasswordIsCutOff(t *testing.T) {
	h, longest := NewHasher(), strings.Repeat("x", MaxPassword-1)
	phc, err := h.Hash(t.Context(), lanyard.SecretOf(longest+"a"))
	ok(t, err)
	if matches, _ := verify(t, h, phc, longest+"b"); matches {
		t.Error("the last byte does not count")
	}
	if matches, _ := verify(t, h, phc, longest+"a"); !matches {
		t.Error("the longest password does not match")
	}
	tooLong := lanyard.SecretOf(longest + "ab")
	if _, err := h.Hash(t.Context(), tooLong); !errors.Is(err, lanyard.ErrBadInput) {
		t.Errorf("hashing 1025 bytes: %v", err)
	}
	for _, stored := range []string{phc, ""} {
		if _, _, err := h.Verify(t.Context(), stored, tooLong); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("verifying 1025 bytes: %v", err)
		}
	}
}

func TestHashOfAnotherCostMatchesAndIsReplaced(t *testing.T) {
	// Made with the reference implementation: argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 for "password".
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := NewHasher()
	if matches, rehash := verify(t, h, reference, "password"); !matches || !rehash {
		t.Errorf("the reference hash: matches %v, rehash %v", matches, rehash)
	}
	if matches, _ := verify(t, h, reference, "passwore"); matches {
		t.Error("another password matches the reference hash")
	}
}

// TestNobodysPasswordCostsAHashAndNeverMatches is ATTACKS.md 113: the dummy hash is
// computed once, at the cost of a real one, and no password is that of nobody.
func TestNobodysPasswordCostsAHashAndNeverMatches(t *testing.T) {
	count := func(phc, password string) (hashes int, matches bool) {
		h := NewHasher()
		h.Now, h.Observe = func() time.Time { return time.Time{} }, func(time.Duration) { hashes++ }
		matches, _ = verify(t, h, phc, password)
		return hashes, matches
	}
	phc, err := NewHasher().Hash(t.Context(), lanyard.SecretOf(aPassword))
	ok(t, err)
	for _, password := range []string{aPassword, "", "another password"} {
		real, _ := count(phc, password)
		dummy, matches := count("", password)
		if dummy != real || dummy != 1 || matches {
			t.Errorf("%q: %d hashes for somebody, %d for nobody, matches %v", password, real, dummy, matches)
		}
	}
	somebody, err := parseArgon(phc)
	ok(t, err)
	nobody, err := parseArgon(NewHasher().dummy)
	ok(t, err)
	if somebody.memory != nobody.memory || somebody.time != nobody.time || somebody.threads != nobody.threads ||
		len(somebody.salt) != len(nobody.salt) || len(somebody.key) != len(nobody.key) {
		t.Error("nobody's hash has another cost")
	}
}

// TestNobodysPasswordIsNotTheOneOfTheDummy: even the password behind the dummy hash would not sign in.
func TestNobodysPasswordIsNotTheOneOfTheDummy(t *testing.T) {
	h := NewHasher()
	var err error
	h.dummy, err = h.Hash(t.Context(), lanyard.SecretOf(aPassword))
	ok(t, err)
	if matches, _ := verify(t, h, "", aPassword); matches {
		t.Error("the password of the dummy hash matches")
	}
}

// phc writes a hash with any cost.
func phc(cost string, salt, key int) string {
	text := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	return fmt.Sprintf("$argon2id$v=19$%s$%s$%s", cost, text(salt), text(key))
}

// TestHostileHashIsNeverComputed is ATTACKS.md 125: a row that asks for too much,
// or for too little, is an error before anything is allocated for it.
func TestHostileHashIsNeverComputed(t *testing.T) {
	good := phc(plainCost, 16, 32)
	for name, row := range map[string]string{
		"memory above the bound": phc("m=262145,t=1,p=1", 16, 32),
		"memory of 4 TiB":        phc("m=4294967295,t=1,p=1", 16, 32),
		"memory beyond 32 bits":  phc("m=4294967360,t=1,p=1", 16, 32),
		"too little memory":      phc("m=7,t=1,p=1", 16, 32),
		"no memory":              phc("m=0,t=1,p=1", 16, 32),
		"negative memory":        phc("m=-64,t=1,p=1", 16, 32),
		"time above the bound":   phc("m=64,t=17,p=1", 16, 32),
		"no time":                phc("m=64,t=0,p=1", 16, 32),
		"threads above":          phc("m=64,t=1,p=17", 16, 32),
		"no threads":             phc("m=64,t=1,p=0", 16, 32),
		"threads beyond 8 bits":  phc("m=64,t=1,p=257", 16, 32),
		"short salt":             phc(plainCost, 7, 32),
		"long salt":              phc(plainCost, 65, 32),
		"short key":              phc(plainCost, 16, 15),
		"no key":                 phc(plainCost, 16, 0),
		"long key":               phc(plainCost, 16, 65),
		"argon2d":                strings.Replace(good, "argon2id", "argon2d", 1),
		"another version":        strings.Replace(good, "v=19", "v=16", 1),
		"no version":             strings.Replace(good, "$v=19", "", 1),
		"text in front":          "x" + good,
		"a part more":            good + "$x",
		"a part less":            good[:strings.LastIndex(good, "$")],
		"padding":                good + "=",
		"not base64":             good + "!",
		"other order":            strings.Replace(good, plainCost, "t=1,m=64,p=1", 1),
		"plain text":             aPassword,
		"blank":                  " ",
	} {
		hashed := 0
		h := NewHasher()
		h.Now, h.Observe = func() time.Time { return time.Time{} }, func(time.Duration) { hashed++ }
		matches, _, err := h.Verify(t.Context(), row, lanyard.SecretOf(aPassword))
		if err == nil || matches || hashed != 0 {
			t.Errorf("%s: matches %v, %d hashes, %v", name, matches, hashed, err)
		}
		if err != nil && strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: the error shows the hash: %v", name, err)
		}
	}
	for name, row := range map[string]string{
		"good": good, "least": phc("m=8,t=1,p=1", 8, 16), "most threads and time": phc("m=256,t=16,p=16", 64, 64),
	} {
		if _, _, err := NewHasher().Verify(t.Context(), row, lanyard.SecretOf(aPassword)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseArgon: whatever stands in the row, what is accepted is within the bounds.
func FuzzParseArgon(f *testing.F) {
	for _, seed := range []string{phc(plainCost, 16, 32), "", "$argon2id$v=19$m=1,t=1,p=1$$", "$argon2id$v=19$m=,t=,p=$$", "$argon2id$v=19$m=64,t=1,p=1,x$AAAAAAAAAAA$AAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, row string) {
		a, err := parseArgon(row)
		if err == nil && (a.memory > maxArgonMemory || a.time > maxArgonTime || a.time == 0 || a.threads == 0 || len(a.key) < 16) {
			t.Errorf("%q was accepted as %+v", row, a)
		}
	})
}

// TestStormOfHashesIsRefused: so many run, so many wait, and the next one is told to
// come back at once.
func TestStormOfHashesIsRefused(t *testing.T) {
	const running, waiting = 2, 3
	h := &Hasher{slots: make(chan struct{}, running), waiters: make(chan struct{}, running+waiting)}
	release, inside := make(chan struct{}), make(chan struct{}, running)
	var group sync.WaitGroup
	for range running + waiting {
		group.Go(func() {
			if err := h.inSlot(t.Context(), func() { inside <- struct{}{}; <-release }); err != nil {
				t.Errorf("a place was free: %v", err)
			}
		})
	}
	for range running {
		<-inside
	}
	for len(h.waiters) < running+waiting {
		runtime.Gosched()
	}
	if len(inside) != 0 {
		t.Error("more hashes run than there are slots")
	}
	for name, call := range map[string]func() error{
		"hash": func() error { _, err := h.Hash(t.Context(), lanyard.SecretOf(aPassword)); return err },
		"verify": func() error {
			_, _, err := h.Verify(t.Context(), phc(plainCost, 16, 32), lanyard.SecretOf(aPassword))
			return err
		},
	} {
		if err := call(); !errors.Is(err, lanyard.ErrUnavailable) {
			t.Errorf("%s beyond the queue: %v", name, err)
		}
	}
	go func() {
		for range waiting {
			<-inside
		}
	}()
	close(release)
	group.Wait()
	if _, _, err := h.Verify(t.Context(), phc(plainCost, 16, 32), lanyard.SecretOf(aPassword)); err != nil {
		t.Errorf("after the storm: %v", err)
	}
}

func TestWaiterThatGoesLeavesItsPlace(t *testing.T) {
	h := &Hasher{slots: make(chan struct{}, 1), waiters: make(chan struct{}, 2)}
	h.slots <- struct{}{} // somebody is inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if err := h.inSlot(ctx, func() { t.Error("it ran") }); !errors.Is(err, lanyard.ErrUnavailable) {
			t.Errorf("a caller that is gone: %v", err)
		}
	}
	if len(h.waiters) != 0 {
		t.Errorf("%d places are taken", len(h.waiters))
	}
}
