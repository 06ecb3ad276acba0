package main

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/keys"
)

// TestNoKeyIsCalledUnneededWhileOneIsMissing: nothing is said of all records, or of keys that
// can be dropped, while some are under a key that nobody gave.
func TestNoKeyIsCalledUnneededWhileOneIsMissing(t *testing.T) {
	master, err := keys.NewMaster([]byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	current, older, unknown := keys.Sealing{Standing: keys.KeyCurrent, Records: 5}, keys.Sealing{Standing: keys.KeyOlder, Records: 3}, keys.Sealing{Standing: keys.KeyUnknown, Records: 2}
	for name, c := range map[string]struct {
		census  []keys.Sealing
		verdict string
		fails   string
	}{
		"all current":       {[]keys.Sealing{current}, "can be dropped", ""},
		"some older":        {[]keys.Sealing{current, older}, "3 records are under an older key", errDifferent.Error()},
		"some unknown":      {[]keys.Sealing{current, unknown}, "", "2 records are under a key that keys.master_key does not have"},
		"older and unknown": {[]keys.Sealing{current, older, unknown}, "3 records are under an older key", "2 records are under a key that keys.master_key does not have"},
	} {
		verdict, err := judge(master, c.census)
		if c.verdict == "" && verdict != "" || !strings.Contains(verdict, c.verdict) {
			t.Errorf("%s: it says %q", name, verdict)
		}
		if text := ""; err != nil {
			text = err.Error()
			if c.fails == "" || !strings.Contains(text, c.fails) {
				t.Errorf("%s: it fails with %q", name, text)
			}
		} else if c.fails != "" {
			t.Errorf("%s: it does not fail", name)
		}
	}
}
