package lanyard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

func TestUserCodeIsReadAsPeopleTypeIt(t *testing.T) {
	for typed, want := range map[string]string{
		"WDJB-MJHT": "WDJB-MJHT", "wdjbmjht": "WDJB-MJHT", " wd jb\u2013mj\u00a0ht ": "WDJB-MJHT", "W-D-J-B-M-J-H-T": "WDJB-MJHT",
		"WDJB-MJH": "", "WDJB-MJHTT": "", "WDJB-MJHA": "", "WDJB-MJH1": "", "": "", "ſſſſ": "", "WDJBMJH\u017f": "", "WDJB.MJHT": "", strings.Repeat(" ", 60) + "WDJBMJHT": "",
	} {
		code, err := lanyard.ParseUserCode(typed)
		if got := lanyard.ShowUserCode(code); got != want || (want == "") != errors.Is(err, lanyard.ErrWrongCode) {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
}

// TestUserCodesUseEveryLetter in every place, and come back as they were made.
func TestUserCodesUseEveryLetter(t *testing.T) {
	seen := map[byte]int{}
	for range 2000 {
		code := lanyard.NewUserCode()
		read, err := lanyard.ParseUserCode(lanyard.ShowUserCode(code))
		if err != nil || read != code {
			t.Fatal(code.Reveal(), err)
		}
		for at := range len(code.Reveal()) {
			seen[code.Reveal()[at]]++
		}
	}
	for letter, n := range seen {
		if n < 400 { // of 800 on average
			t.Errorf("%c came %d times", letter, n)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d letters", len(seen))
	}
}

func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"WDJB-MJHT", "wdjbmjht", "", "-", "\xff", "ﬀﬀ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := lanyard.ParseUserCode(typed)
		if err != nil {
			return
		}
		again, err := lanyard.ParseUserCode(lanyard.ShowUserCode(code))
		if err != nil || again != code || len(code.Reveal()) != 8 {
			t.Errorf("%q is read as %q, and that as %q", typed, code.Reveal(), again.Reveal())
		}
	})
}

// TestDeviceIsToldItsState, and of other clients' codes nothing.
func TestDeviceIsToldItsState(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	waiting := lanyard.DeviceAuthorization{ClientID: "cli", CreatedAt: now, ExpiresAt: now.Add(time.Minute)}
	denied := waiting
	denied.DecidedAt = now
	approved := denied
	approved.GrantID = "gra_1"
	used := approved
	used.UsedAt = now
	for name, c := range map[string]struct {
		d         lanyard.DeviceAuthorization
		now, late *lanyard.Error
	}{
		"waiting": {waiting, lanyard.ErrAuthorizationPending, lanyard.ErrExpiredToken}, "denied": {denied, lanyard.ErrDeviceDenied, lanyard.ErrExpiredToken},
		"approved": {approved, nil, lanyard.ErrExpiredToken}, "used": {used, lanyard.ErrInvalidGrant, lanyard.ErrInvalidGrant},
	} {
		if got := c.d.Complaint("cli", now); got != c.now {
			t.Errorf("%s: %v", name, got)
		}
		if got := c.d.Complaint("cli", c.d.ExpiresAt); got != c.late {
			t.Errorf("%s, late: %v", name, got)
		}
		if got := c.d.Complaint("other", c.d.ExpiresAt); got != lanyard.ErrInvalidGrant {
			t.Errorf("%s, another client: %v", name, got)
		}
	}
}

func TestDeviceLabelIsBounded(t *testing.T) {
	for label, fine := range map[string]bool{
		"": true, "Ada's shed": true, strings.Repeat("ü", 80): true, strings.Repeat("ü", 81): false, "a\tb": false, "a\x00": false, "a\u0085b": false,
	} {
		if got := lanyard.CheckDeviceLabel(label) == nil; got != fine {
			t.Errorf("%q: %v", label, got)
		}
	}
}
