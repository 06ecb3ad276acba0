package loginui_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// eventTypes are all that the product knows, from its source.
func eventTypes(t *testing.T) []lanyard.EventType {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []lanyard.EventType
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Event") {
			return true
		}
		for _, value := range spec.Values {
			name, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, lanyard.EventType(name))
		}
		return false
	})
	if len(out) < 50 {
		t.Fatalf("only %d kinds of events were found", len(out))
	}
	return out
}

var olderActivity = regexp.MustCompile(`href="([^"]+)" id="activity-older"`)

// TestActivityHasWordsForAllThatItShows, in every language, and shows what happens to
// people in organizations and with their devices.
func TestActivityHasWordsForAllThatItShows(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b := i.Browser()
	b.SignIn(i.Client("web").Authorize(nil), "ada@example.test", "notes-on-the-engine-1842")
	ada, err := i.Scope().UserByEmail(t.Context(), "ada@example.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range eventTypes(t) {
		if err := i.Scope().InsertEvent(t.Context(), lanyard.Event{Type: kind, At: i.Clock.Now(), Actor: string(ada.ID), UserID: ada.ID}); err != nil {
			t.Fatal(err)
		}
	}
	for _, lang := range []string{"en", "de"} {
		var shown []string
		for path := "/account/activity?lang=" + lang; path != ""; {
			page := b.Get(path)
			shown = append(shown, page.Texts("main p")...)
			if codes := page.Texts("main code"); len(codes) != 0 {
				t.Errorf("in %s there are no words for %v", lang, codes)
			}
			path = ""
			if older := olderActivity.FindStringSubmatch(page.Body); older != nil {
				path = html.UnescapeString(older[1]) + "&lang=" + lang
			}
		}
		words := messages(t, lang)
		for _, kind := range []lanyard.EventType{
			lanyard.EventUserSignedIn, lanyard.EventDeviceApproved, lanyard.EventDeviceDenied, lanyard.EventMemberAdded, lanyard.EventMemberUpdated,
			lanyard.EventMemberRemoved, lanyard.EventMemberLeft, lanyard.EventOwnershipTransferred, lanyard.EventOrganizationChosen,
			lanyard.EventInvitationAccepted, lanyard.EventInvitationRevoked, lanyard.EventJoinRequested, lanyard.EventJoinRefused,
		} {
			text, _ := words["account.event."+string(kind)].(string)
			if text == "" || !slices.ContainsFunc(shown, func(entry string) bool { return strings.HasPrefix(entry, text) }) {
				t.Errorf("in %s %s is not shown as %q", lang, kind, text)
			}
		}
	}
}
