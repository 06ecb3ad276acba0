package loginui_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

func messages(t *testing.T, lang string) map[string]any {
	t.Helper()
	files, err := filepath.Glob("messages/" + lang + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[string]any{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var part map[string]any // a map that is decoded into is emptied first
		if err := yaml.Unmarshal(data, &part); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for key := range part {
			if _, found := out[key]; found {
				t.Errorf("%s has %s again", file, key)
			}
		}
		maps.Copy(out, part)
	}
	return out
}

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

func TestLanguagesAreComplete(t *testing.T) {
	en, de := messages(t, "en"), messages(t, "de")
	for key, text := range en {
		other, found := de[key]
		if !found {
			t.Errorf("%s is missing in German", key)
			continue
		}
		a, b := placeholder.FindAllString(fmt.Sprint(text), -1), placeholder.FindAllString(fmt.Sprint(other), -1)
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s has other placeholders in German: %s", key, diff)
		}
	}
	for key := range de {
		if _, found := en[key]; !found {
			t.Errorf("%s is missing in English", key)
		}
	}
}

func TestEveryMessageIsUsed(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{".", "templates"} {
		entries, err := os.ReadDir(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			data, err := os.ReadFile(pattern + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			source.Write(data)
		}
	}
	// families are keys whose ends are made at run time.
	families := []string{"scope.", "way.", "factor.", "month.", "throttled.", "throttled_passkey.", "resend.", "account.check.", "account.done.", "account.event.", "account.profile.",
		"role.", "permission.", "org.event.", "org.joining.", "org.method.", "device.done_", "upstream.with.", "refusal.", "tested.",
		"org.connections.kind.", "org.connections.state.", "org.connection.how.", "org.connection.next."}
	for key := range messages(t, "en") {
		inFamily := slices.ContainsFunc(families, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		if !strings.Contains(source.String(), `"`+key+`"`) && !inFamily {
			t.Errorf("%s is not used", key)
		}
	}
}

func TestLanguageIsThePersonsThenTheAppsThenTheBrowsers(t *testing.T) {
	for _, c := range []struct {
		name                         string
		param, cookie, locales, head string
		site                         web.Site
		want                         string
	}{
		{"nothing", "", "", "", "", https, `lang="en" dir="ltr"`},
		{"browser", "", "", "", "de-AT,de;q=0.9,en;q=0.5", https, `lang="de" dir="ltr"`},
		{"unknown browser", "", "", "", "ja", https, `lang="en" dir="ltr"`},
		{"too long a list", "", "", "", strings.Repeat("ja,", 100) + "de,ja", https, `lang="en" dir="ltr"`},
		{"long list that begins well", "", "", "", "de," + strings.Repeat("ja,", 100), https, `lang="de" dir="ltr"`},
		{"one long tag", "", "", "", strings.Repeat("d", 300), https, `lang="en" dir="ltr"`},
		{"app over browser", "", "", "de", "en", https, `lang="de" dir="ltr"`},
		{"app's second wish", "", "", "ja de-CH", "en", https, `lang="de" dir="ltr"`},
		{"app wants nothing we have", "", "", "ja ko", "de", https, `lang="de" dir="ltr"`},
		{"cookie over app", "", "de", "en", "en", https, `lang="de" dir="ltr"`},
		{"parameter over cookie", "en", "de", "de", "de", https, `lang="en" dir="ltr"`},
		{"nonsense", "<b>", "xx", "--- de", "*;q=x", https, `lang="de" dir="ltr"`},
		{"pseudo under dev", "ar-XB", "", "", "", local, `lang="ar-XB" dir="rtl"`},
		{"pseudo by the app", "", "", "ar-XB", "", local, `lang="ar-XB" dir="rtl"`},
		{"no pseudo elsewhere", "ar-XB", "", "", "", https, `lang="en" dir="ltr"`},
	} {
		w := newWorld(t, c.site)
		w.flow.page = due(flow.StepIdentify)
		w.flow.page.Request.Params.UILocales = strings.Fields(c.locales)
		r := httptest.NewRequest("GET", rawQuery("/login")+"&lang="+strings.ReplaceAll(c.param, "<b>", "%3Cb%3E"), nil)
		r.Header.Set("Accept-Language", c.head)
		r.Header.Set("Cookie", "__Host-lanyard-language="+c.cookie)
		if body := w.do(r).Body.String(); !strings.Contains(body, "<html "+c.want+">") {
			t.Errorf("%s: %s", c.name, body[:60])
		}
	}
}

func TestChosenLanguageIsKeptUnlessAnotherSiteChose(t *testing.T) {
	for site, want := range map[string]string{
		"same-origin": "__Host-lanyard-language=de; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
		"none":        "__Host-lanyard-language=de; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax",
		"cross-site":  "",
	} {
		w := newWorld(t, https)
		r := httptest.NewRequest("GET", "/?lang=de", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		rec := w.do(r)
		if got := rec.Header().Get("Set-Cookie"); got != want || !strings.Contains(rec.Body.String(), `lang="de"`) {
			t.Errorf("%s: %q", site, got)
		}
	}
}

// A flood of languages costs a bounded amount of work and is not remembered.
func TestLocaleFloodIsBounded(t *testing.T) {
	w := newWorld(t, https)
	w.flow.page = due(flow.StepIdentify)
	long := strings.Repeat("zz-Latn-XX-variant1-x-private;q=0.1,", 20_000)
	var many []string
	for i := range 10_000 {
		many = append(many, fmt.Sprintf("q%c%c-x-%d", 'a'+i%26, 'a'+i/26%26, i))
	}
	w.flow.page.Request.Params.UILocales = many
	begin := time.Now()
	const rounds = 20
	for range rounds {
		r := httptest.NewRequest("GET", rawQuery("/login")+"&lang="+strings.Repeat("a-", 500), nil)
		r.Header.Set("Accept-Language", long)
		if rec := w.do(r); rec.Code != 200 {
			t.Fatal(rec.Code)
		}
	}
	if took := time.Since(begin) / rounds; took > 50*time.Millisecond {
		t.Errorf("a page took %v", took)
	}
}

func TestLanguageLinksLeadToTheSamePage(t *testing.T) {
	w := newWorld(t, https)
	rec := refused("/login/password", due(flow.StepPassword), nil, "password", "")(w, "")
	want := `<a href="/t/acme/login/password?lang=de&amp;request=` + string(request) + `" lang="de" hreflang="de">Deutsch</a>`
	if !strings.Contains(rec.Body.String(), want) {
		t.Error(rec.Body.String())
	}
}
