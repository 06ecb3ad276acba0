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

// TestSetupTakesAPasskeyInPlaceOfAPassword, with what else was typed.
func TestSetupTakesAPasskeyInPlaceOfAPassword(t *testing.T) {
	w := newWorld(t, https)
	if rec := w.post("/setup", setupPasskeyForm()); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if first := w.setup.first; string(first.Credential) != `{"id":"new"}` || first.Tenant != "Acme" || first.Profile.Email != "root@example.test" {
		t.Errorf("the deed got %+v", first)
	}
	rec := w.get("/setup/done")
	if !strings.Contains(rec.Body.String(), `href="/t/acme/console"`) {
		t.Errorf("the end leads nowhere: %s", rec.Body)
	}
}

// TestOptionsOfASetupPasskeyAreForAGoodFormAndLink; whatever else is asked begins nothing.
func TestOptionsOfASetupPasskeyAreForAGoodFormAndLink(t *testing.T) {
	for field, bad := range map[string]string{
		"": "", "token": "other", "username": "nobody", "name": "", "tenant": strings.Repeat("x", 201),
	} {
		w, form, want := newWorld(t, https), setupPasskeyForm(), http.StatusBadRequest
		switch field {
		case "":
			want = http.StatusOK
		case "token":
			want = http.StatusNotFound
			fallthrough
		default:
			form.Set(field, bad)
		}
		rec := w.post("/setup/passkey", form)
		if rec.Code != want || (rec.Code == http.StatusOK) != strings.Contains(rec.Body.String(), "challenge") {
			t.Errorf("a bad %q: %d %s", field, rec.Code, rec.Body)
		}
	}
}
