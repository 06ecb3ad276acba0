package loginui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

func TestPlainLeavesOneShortLineOfVisibleText(t *testing.T) {
	for name, want := range map[string]string{
		"Web app":                            "Web app",
		"  Web \n\t app  ":                   "Web app",
		"Goo\u202egle\u2066":                 "Google",
		"a\u200bb\u2060c\ufeffd\u00ade":      "abcde",
		"x\x00y\x1b[31mz":                    "xy[31mz",
		"Z\u0300\u0301\u0302\u0303\u0304a":   "Z\u0300\u0301\u0302a",
		"\u0301a":                            "a",
		"\u3164\u2800\u115f":                 "",
		"bad\xff":                            "bad",
		"e\u0301":                            "é",
		"日本語アプリ":                             "日本語アプリ",
		"Ünï & Söhne <b>":                    "Ünï & Söhne <b>",
		strings.Repeat("x", 61):              strings.Repeat("x", 60) + "…",
		strings.Repeat("x", 60):              strings.Repeat("x", 60),
		"a" + strings.Repeat("\u0301", 5000): "á" + strings.Repeat("\u0301", 3),
	} {
		if got := plain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("Web app")
	f.Add("\u202e\x00<script>")
	f.Fuzz(func(t *testing.T, name string) {
		got := plain(name)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00\u202e\u2066\u2069") || len(got) > 4*(maxName+1)*(maxMarks+1) {
			t.Errorf("%q became %q", name, got)
		}
		if again := plain(got); again != got && !strings.HasSuffix(got, "…") {
			t.Errorf("%q is not stable: %q", got, again)
		}
	})
}

func TestIsolateIsForTheOtherDirectionOnly(t *testing.T) {
	for _, c := range []struct{ value, dir, want string }{
		{"Web app", dirLTR, "Web app"},
		{"אפליקציה", dirLTR, "\u2068אפליקציה\u2069"},
		{"Web app", dirRTL, "\u2068Web app\u2069"},
		{"123", dirRTL, "123"},
	} {
		if got := isolate(c.value, c.dir); got != c.want {
			t.Errorf("%q in %s: %q", c.value, c.dir, got)
		}
	}
}

func TestLinksLeadToHTTPOnly(t *testing.T) {
	for address, want := range map[string]string{
		"https://app.example/x?y#z":  "https://app.example/x?y#z",
		"http://localhost:3000/":     "http://localhost:3000/",
		"http://127.0.0.1:3000/":     "http://127.0.0.1:3000/",
		"http://app.example/":        "",
		"javascript:alert(1)":        "",
		"JaVaScRiPt://x/%0aalert(1)": "",
		"data:text/html,x":           "",
		"https://user@app.example/":  "",
		"//app.example/":             "",
		"/local":                     "",
		"":                           "",
		"https://":                   "",
		"com.example.app:/x":         "",
	} {
		if got := safeLink(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestDomainIsNeverCutAndNeverDisguised(t *testing.T) {
	long := "https://accounts.google.com." + strings.Repeat("a.", 60) + "evil.example/cb"
	if got := hostOf(long); !strings.HasSuffix(got, "evil.example") {
		t.Errorf("got %q", got)
	}
	if got := hostOf("https://g\u043eogle.example/"); got != "" {
		t.Errorf("a look-alike is shown as %q", got)
	}
}

func TestAppIsCalledByItsIDWhenItsNameShowsNothing(t *testing.T) {
	if got := appName(&lanyard.Client{ID: "web", Name: "\u202e\u3164"}); got != "web" {
		t.Errorf("got %q", got)
	}
}
