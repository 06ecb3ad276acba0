package loginui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

// TestSetupSaysWhatIsWrongWithThePassword beside its field.
func TestSetupSaysWhatIsWrongWithThePassword(t *testing.T) {
	for err, want := range map[error]string{
		lanyard.ErrShortPassword:    "at least 15 characters",
		lanyard.ErrPersonalPassword: "contains a name or address",
		lanyard.ErrBreachedPassword: "appeared in a data breach",
		lanyard.ErrWeakPassword:     "easy to guess",
	} {
		w := newWorld(t, https)
		w.setup.err = err
		rec := w.post("/setup", setupForm())
		if body := rec.Body.String(); rec.Code != http.StatusOK || !strings.Contains(body, want) || !strings.Contains(body, `id="password-error"`) {
			t.Errorf("%v: %d %s", err, rec.Code, body)
		}
	}
}
