package keys_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
)

var home = lanyard.Place{Tenant: "ten_a", Table: "totp", Column: "seed", Row: "usr_a"}

func newMaster(t testing.TB) *keys.Master {
	t.Helper()
	m, err := keys.NewMaster(randomKey())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func randomKey() []byte {
	key := make([]byte, keys.MasterKeySize)
	_, _ = rand.Read(key)
	return key
}

func TestSealedValueOpensInItsPlaceOnly(t *testing.T) {
	m := newMaster(t)
	sealed, err := m.Seal(home, []byte("seed"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := m.Open(home, sealed); err != nil || string(plain) != "seed" {
		t.Fatalf("got %q, %v", plain, err)
	}
	elsewhere := map[string]lanyard.Place{
		"tenant":  {Tenant: "ten_b", Table: "totp", Column: "seed", Row: "usr_a"},
		"table":   {Tenant: "ten_a", Table: "topt", Column: "seed", Row: "usr_a"},
		"column":  {Tenant: "ten_a", Table: "totp", Column: "sed", Row: "usr_a"},
		"row":     {Tenant: "ten_a", Table: "totp", Column: "seed", Row: "usr_b"},
		"borders": {Tenant: "ten_a", Table: "totps", Column: "eed", Row: "usr_a"},
	}
	for name, place := range elsewhere {
		if plain, err := m.Open(place, sealed); !errors.Is(err, keys.ErrBrokenSeal) || plain != nil {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
}

func TestAlteredSealDoesNotOpen(t *testing.T) {
	m := newMaster(t)
	sealed, _ := m.Seal(home, []byte("seed"))
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := m.Open(home, bad); err == nil {
			t.Errorf("opened with byte %d altered", i)
		}
		if _, err := m.Open(home, sealed[:i]); !errors.Is(err, keys.ErrBrokenSeal) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestWrongMasterKeyIsSaidClearly(t *testing.T) {
	sealed, _ := newMaster(t).Seal(home, []byte("seed"))
	if _, err := newMaster(t).Open(home, sealed); !errors.Is(err, keys.ErrWrongMasterKey) {
		t.Errorf("got %v", err)
	}
}

func TestOldMasterKeyOpensAndNewOneSeals(t *testing.T) {
	old, current := randomKey(), randomKey()
	before, _ := keys.NewMaster(old)
	both, err := keys.NewMaster(current, old)
	if err != nil {
		t.Fatal(err)
	}
	after, _ := keys.NewMaster(current)

	sealed, _ := before.Seal(home, []byte("seed"))
	if plain, err := both.Open(home, sealed); err != nil || string(plain) != "seed" {
		t.Errorf("the old record: %q, %v", plain, err)
	}
	fresh, _ := both.Seal(home, []byte("seed"))
	if _, err := after.Open(home, fresh); err != nil {
		t.Errorf("the new record needs the old key: %v", err)
	}
}

func TestEqualSecretsLookDifferentWhenSealed(t *testing.T) {
	m := newMaster(t)
	a, _ := m.Seal(home, []byte("seed"))
	b, _ := m.Seal(home, []byte("seed"))
	if bytes.Equal(a, b) {
		t.Error("two seals are equal")
	}
}

func TestMasterKeyIsReadInEachSpelling(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xef, 0xff, 1}, 8) // has + and / in base64
	want, _ := keys.NewMaster(raw)
	sealed, _ := want.Seal(home, []byte("seed"))
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		hex.EncodeToString(raw), "\n " + base64.StdEncoding.EncodeToString(raw) + "\n",
		hex.EncodeToString(randomKey()) + "\n" + hex.EncodeToString(raw) + "\n",
	} {
		m, err := keys.ParseMaster(lanyard.SecretOf(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if _, err := m.Open(home, sealed); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatIsNoMasterKeyIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " \n", "secret", hex.EncodeToString(make([]byte, 32)), base64.StdEncoding.EncodeToString(make([]byte, 31)),
		base64.StdEncoding.EncodeToString(append(randomKey(), 1)), "!" + hex.EncodeToString(randomKey())[1:],
		hex.EncodeToString(randomKey()) + " rubbish",
	} {
		if _, err := keys.ParseMaster(lanyard.SecretOf(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestMasterFileIsMadeOnceAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			switch err := keys.CreateMasterFile(path); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("drafts are left: %v", left)
	}
	if _, err := keys.LoadMasterFile(path); err != nil {
		t.Error(err)
	}
}

func TestMissingMasterFileIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := keys.LoadMasterFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was made")
	}
}
