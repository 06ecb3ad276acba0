package web_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

func TestLocalTargetsStayWithUs(t *testing.T) {
	for path, want := range map[string]string{
		"/login":         "/t/acme/login",
		"//evil.example": "/t/acme/",
		"/\\evil":        "/t/acme/",
		"https://evil":   "/t/acme/",
		"":               "/t/acme/",
		"/a\r\nX: y":     "/t/acme/",
		"/a b":           "/t/acme/a%20b",
		"/login?x=1":     "/t/acme/",
	} {
		if got := web.Local(acme, path, nil).Location(); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	got := web.Local(https, "/login", url.Values{"request": {"req_1&x"}}).Location()
	if got != "/login?request=req_1%26x" {
		t.Error(got)
	}
	if got := web.Local(https, "//evil.example", nil).Location(); got != "/" {
		t.Error(got)
	}
	if got := web.AtIssuer(acme, "/login", url.Values{"a": {"b"}}).Location(); got != "https://id.example/t/acme/login?a=b" {
		t.Error(got)
	}
}

func TestAnswerGoesToARegisteredPlaceOnly(t *testing.T) {
	registered := []string{"https://app.example/cb", "https://app.example/cb?x=1", "https://app.example/q?"}
	params := url.Values{"code": {"a b"}, "state": {"&=#"}}
	for uri, want := range map[string]string{
		"https://app.example/cb":     "https://app.example/cb?code=a+b&state=%26%3D%23",
		"https://app.example/cb?x=1": "https://app.example/cb?x=1&code=a+b&state=%26%3D%23",
		"https://app.example/q?":     "https://app.example/q?code=a+b&state=%26%3D%23",
	} {
		a, err := web.NewAnswer(registered, uri, params)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Query().Location(); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
	bare, err := web.NewAnswer(registered, "https://app.example/cb", nil)
	if err != nil || bare.Query().Location() != "https://app.example/cb" || bare.Origin() != "https://app.example" {
		t.Errorf("%v %v", bare, err)
	}
	if _, err := web.NewAnswer(registered, "https://evil.example/cb", params); !errors.Is(err, lanyard.ErrBadRedirect) {
		t.Errorf("got %v", err)
	}
}

func TestRedirectAfterAFormIs303(t *testing.T) {
	for method, want := range map[string]int{"GET": 302, "HEAD": 302, "POST": 303, "PUT": 303} {
		rec := httptest.NewRecorder()
		web.Redirect(rec, httptest.NewRequest(method, "/", nil), web.Local(https, "/login", nil))
		if rec.Code != want || rec.Header().Get("Location") != "/login" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", method, rec.Code, rec.Header())
		}
	}
}
