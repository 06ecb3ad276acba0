package loginui_test

import (
	"bytes"
	"encoding/csv"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const aLoomsTown = `
version: 1
tenants:
  - slug: default
    organizations:
      - {slug: looms, name: "=Looms & Sons", members: [{user: ada@example.test, roles: [owner]}]}
`

// uploadReal sends a form with a file to the real thing, as the browser's person.
func uploadReal(t *testing.T, i *idp.IDP, b *idp.Browser, path string, file []byte) (status int, location, body string) {
	t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("file", "x")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(file) // a buffer takes everything
	_ = m.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.Issuer+path, &form)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	answer, _ := i.Do(r)
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(data)
}

// Files go through form, deed and database, and come out as ours: a logo on the pages,
// a list as invitations, the activity as a table.
func TestFilesOfAnOrganizationComeAndGo(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(aLoomsTown)
	b := i.Browser()
	b.SignIn(i.Client("web").Authorize(nil), "ada@example.test", "notes-on-the-engine-1842")
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	if status, location, body := uploadReal(t, i, b, "/org/looms/branding/logo", picture.Bytes()); status != http.StatusSeeOther || !strings.HasSuffix(location, "done=logo_saved") {
		t.Fatalf("the logo: %d %s", status, body)
	}
	if status, _, body := uploadReal(t, i, b, "/org/looms/branding/logo", []byte("<svg onload=alert(1)>")); status != http.StatusOK || !strings.Contains(body, "This file can&#39;t be used") {
		t.Errorf("no logo: %d", status)
	}
	path := regexp.MustCompile(`/org-logo/org_[0-9a-z]+/[0-9a-f]{12}\.png`).FindString(b.Get("/org/looms/branding").Body)
	logo := i.Browser().Get(path)
	if logo.Status != http.StatusOK || logo.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(logo.Body, "\x89PNG") {
		t.Errorf("%s is %d", path, logo.Status)
	}
	if page := i.Browser().Get(i.Client("web").Authorize(map[string][]string{"organization": {"looms"}})); !strings.Contains(page.Body, path) {
		t.Error("the sign-in does not show the logo")
	}
	status, _, body := uploadReal(t, i, b, "/org/looms/invitations/bulk", []byte("\ufeffname;mail\r\nGrace;grace@new.example\r\nAda;ada@example.test\r\nX;x@\r\n"))
	if status != http.StatusOK || strings.Count(body, ">Invited<") != 1 || !strings.Contains(body, "Member already") || !strings.Contains(body, "Not an e-mail address") {
		t.Errorf("the list: %d %s", status, body)
	}
	table, err := csv.NewReader(strings.NewReader(b.Get("/org/looms/activity.csv").Body)).ReadAll()
	if err != nil || len(table) < 4 {
		t.Fatalf("%v %v", err, table)
	}
	if strings.HasPrefix(table[1][2], "=") {
		t.Errorf("a cell is a formula: %q", table[1][2])
	}
}
