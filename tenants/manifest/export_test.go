package manifest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// secrets are what the file of everything refers to.
var secrets = map[string]string{
	"LANYARD_CONNECTION_GOOGLE_CLIENT_SECRET":           "google-secret-0123456789-0123456789",
	"LANYARD_CONNECTION_MS_CLIENT_SECRET":               "microsoft-secret-0123456789-0123456789",
	"LANYARD_CONNECTION_CORP_PRIVATE_KEY":               `{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d"}`,
	"LANYARD_CONNECTION_TELEGRAM_CLIENT_SECRET":         "telegram-secret-0123456789-0123456789",
	"LANYARD_CONNECTION_TELEGRAM_BOT_TOKEN":             "12345:bot-token-of-telegram",
	"LANYARD_CONNECTION_ACME_CLIENT_SECRET":             "acme-secret-0123456789-0123456789",
	"LANYARD_WEBHOOK_HOOKS_EXAMPLE_TEST_LANYARD_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}

func (f fixture) parse(text string) manifest.File {
	f.Helper()
	file, err := manifest.Parse([]byte(text), manifest.Options{AllowInline: true, Getenv: func(name string) (string, bool) {
		value, known := secrets[name]
		return value, known
	}})
	if err != nil {
		f.Fatal(err)
	}
	return file
}

func (f fixture) applyFile(file manifest.File, at time.Time) manifest.Summary {
	f.Helper()
	summary, err := manifest.Apply(f.Context(), f.deps, file, at)
	if err != nil {
		f.Fatal(err)
	}
	return summary
}

// export is a tenant as text.
func (f fixture) export(slug string, at time.Time) (manifest.Tenant, string) {
	f.Helper()
	found, err := f.deps.Store.TenantBySlug(f.Context(), slug)
	if err != nil {
		f.Fatal(err)
	}
	keep := func(name string, value lanyard.Secret) (manifest.Secret, error) {
		if want := secrets["LANYARD_"+name]; want != value.Reveal() {
			f.Errorf("the secret LANYARD_%s is %q", name, value.Reveal())
		}
		return manifest.ByEnvironment("LANYARD_"+name, value)
	}
	tenant, err := manifest.Export(f.Context(), f.deps.Store.Tenant(found.ID), f.deps.Keeper.Sealer, keep, at)
	if err != nil {
		f.Fatal(err)
	}
	text, err := manifest.File{Version: 1, Tenants: []manifest.Tenant{tenant}}.Write()
	if err != nil {
		f.Fatal(err)
	}
	return tenant, string(text)
}

func picture() string {
	var out bytes.Buffer
	_ = png.Encode(&out, image.NewNRGBA(image.Rect(0, 0, 8, 8)))
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// everything is a tenant that uses every setting that there is.
func everything() string { return strings.ReplaceAll(everythingYAML, "PICTURE", picture()) }

func TestExportIsTheTenant(t *testing.T) {
	lite, pg := newFixture(t), newFixtureOn(t, testkit.FastPostgres(t))
	now := start
	lite.applyFile(lite.parse(everything()), now)
	tenant, first := lite.export("whole", now)
	if unused := neverSet(reflect.ValueOf(tenant)); len(unused) > 0 {
		t.Errorf("the file of everything never sets %s", strings.Join(unused, ", "))
	}
	for name, value := range secrets {
		if strings.Contains(first, value) {
			t.Errorf("%s is in the file", name)
		}
	}
	summary := pg.applyFile(pg.parse(first), now.Add(time.Hour))
	if summary.Updated+summary.Unchanged != 0 {
		t.Errorf("applied to an empty database it found %+v", summary)
	}
	_, second := pg.export("whole", now.Add(time.Hour))
	if diff := cmp.Diff(strings.Split(first, "\n"), strings.Split(second, "\n")); diff != "" {
		t.Errorf("exported, applied and exported again (-first +second):\n%s", diff)
	}
	for _, f := range []fixture{lite, pg} {
		if summary := f.applyFile(f.parse(first), now.Add(2*time.Hour)); summary.Created+summary.Updated+summary.Removed != 0 {
			t.Errorf("applied to itself it changed %+v", summary)
		}
		differences, err := manifest.Diff(f.Context(), f.deps, f.parse(first), now.Add(2*time.Hour))
		if err != nil || len(differences["whole"]) != 0 {
			t.Errorf("it differs from itself: %v %v", differences, err)
		}
	}
}

// mayStay are members that an export never has.
var mayStay = []string{
	"User.password", "Client.client_secret", "Invitation.code", "Connection.organization_id", "TrustedIssuer.jwks_uri", "User.email_verified", "TrustedIssuer.owner",
	"Profile.email_verified", "Profile.phone_number_verified", "Secret.file",
	"Branding.logo_dark_url",
}

// neverSet lists the members of all structs below a value that are zero wherever they stand.
func neverSet(v reflect.Value) []string {
	set := map[string]bool{}
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(v.MapIndex(key))
			}
		case reflect.Struct:
			if strings.HasSuffix(v.Type().PkgPath(), "manifest") || strings.HasSuffix(v.Type().PkgPath(), "lanyard") {
				for i := range v.NumField() {
					f := v.Type().Field(i)
					name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
					if name != "" && name != "-" {
						at := v.Type().Name() + "." + name
						set[at] = set[at] || !v.Field(i).IsZero()
					}
					if f.IsExported() {
						walk(v.Field(i))
					}
				}
			}
		}
	}
	walk(v)
	var out []string
	for name, used := range set {
		if !used && !slices.Contains(mayStay, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func TestDiffSaysWhatWouldChangeAndChangesNothing(t *testing.T) {
	f := newFixture(t)
	f.applyFile(f.parse(everything()), start)
	_, before := f.export("whole", start)
	changed := strings.NewReplacer("name: Whole\n", "name: Changed\n", "client_name: Web", "client_name: Wide", "plan: gold", "plan: silver").Replace(before)
	changed = strings.Replace(changed, "      - name: reader\n", "      - name: added\n        permissions: [\"a:b\"]\n      - name: reader\n", 1)
	got, err := manifest.Diff(f.Context(), f.deps, f.parse(changed), start)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range got["whole"] {
		lines = append(lines, d.String())
	}
	want := []string{
		`+ roles[added].name: added`, `+ roles[added].permissions[a:b]: a:b`,
		`~ clients[web].client_name: Web → Wide`, `~ name: Whole → Changed`, `~ organizations[acme].plan: gold → silver`,
	}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("%q is not among\n%s", line, strings.Join(lines, "\n"))
		}
	}
	var fewer []string
	without := f.parse(before)
	for i := range without.Tenants[0].Clients {
		c := &without.Tenants[0].Clients[i]
		if c.ID == "web" {
			c.SecretHashes = c.SecretHashes[:1]
		}
	}
	secretless, err := manifest.Diff(f.Context(), f.deps, without, start)
	for _, d := range secretless["whole"] {
		fewer = append(fewer, d.String())
	}
	if text := strings.Join(fewer, "\n"); err != nil || !strings.Contains(text, "clients[web].client_secret_hashes[") || strings.Contains(text, "MTEyMzQ1Njc4OTAx") {
		t.Errorf("a secret less: %v %s", err, text)
	}
	if _, after := f.export("whole", start); after != before {
		t.Error("looking for differences changed something")
	}
	fresh, err := manifest.Diff(f.Context(), f.deps, f.parse("version: 1\ntenants: [{slug: fresh, name: Fresh}]"), start)
	if err != nil || !strings.Contains(fmt.Sprint(fresh["fresh"]), "+ slug: fresh") {
		t.Errorf("a new tenant: %v %v", fresh, err)
	}
	if _, err := f.deps.Store.TenantBySlug(t.Context(), "fresh"); err == nil {
		t.Error("looking for differences made a tenant")
	}
}

func TestPruneRemovesWhatTheFileLacks(t *testing.T) {
	f := newFixture(t)
	f.applyFile(f.parse(everything()), start)
	_, before := f.export("whole", start)
	file := f.parse(before)
	tenant := &file.Tenants[0]
	tenant.Resources = tenant.Resources[:1]
	tenant.Policy.DefaultResource = tenant.Resources[0].Identifier
	for i := range tenant.Clients {
		tenant.Clients[i].Resources, tenant.Clients[i].DefaultResource = nil, ""
	}
	acme := &tenant.Organizations[slices.IndexFunc(tenant.Organizations, func(o manifest.Organization) bool { return o.Slug == "acme" })]
	acme.Members = acme.Members[:1]
	if without := f.applyFile(file, start); without.Removed != 0 {
		t.Errorf("removed %d without being told", without.Removed)
	}
	file.Prune = true
	if pruned := f.applyFile(file, start); pruned.Removed != 2 {
		t.Errorf("removed %d", pruned.Removed)
	}
	after, _ := f.export("whole", start)
	if len(after.Resources) != 1 {
		t.Errorf("resources: %v", after.Resources)
	}
	acme.Members[0].Roles = []string{lanyard.RoleMember}
	if _, err := manifest.Apply(t.Context(), f.deps, file, start); err == nil || !strings.Contains(err.Error(), lanyard.ErrLastOwner.Code) {
		t.Errorf("no owner is left: %v", err)
	}
}

// TestExportSurvivesWhatPeopleCallThemselves: much of an export was typed by strangers, and has to
// be read as what it was. The secrets of two things with alike names are two.
func TestExportSurvivesWhatPeopleCallThemselves(t *testing.T) {
	f := newFixture(t)
	f.applyFile(f.parse("version: 1\ntenants: [{slug: whole, name: Whole}]\n"), start)
	found, err := f.deps.Store.TenantBySlug(t.Context(), "whole")
	if err != nil {
		t.Fatal(err)
	}
	scope := f.deps.Store.Tenant(found.ID)
	names := []string{
		"? Ada", ".inf", "\tAda", "Main Street 1\r\nLondon", "a\r    roles: [tenant-admin]\r", "a\n ", " a\nb", "- x", "null", "1e3", "\u0085", "\u2028x", "\ufeff", "😀\x1b[31m", `"\`, "---\n", "x: y # z",
	}
	for i, name := range names {
		u := lanyard.User{ID: lanyard.NewUserID(), Subject: fmt.Sprintf("u%02d", i), TenantID: found.ID, CreatedAt: start}
		u.Profile.Name, u.Profile.Address = name, &lanyard.Address{Formatted: name}
		if err := scope.InsertUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	for i, at := range []string{"https://a.example.test/x-y", "https://a.example.test/x/y", "https://a.example.test/x/y?z"} {
		w := lanyard.Webhook{ID: lanyard.NewWebhookID(), TenantID: found.ID, URL: at, CreatedAt: start, UpdatedAt: start}
		if w.Sealed, err = f.deps.Keeper.Sealer.Seal(w.SecretPlace(false), []byte{'a' + byte(i)}); err != nil {
			t.Fatal(err)
		}
		if err := scope.PutWebhook(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	kept := map[string]string{}
	tenant, err := manifest.Export(t.Context(), scope, f.deps.Keeper.Sealer, func(name string, value lanyard.Secret) (manifest.Secret, error) {
		if _, taken := kept[name]; taken {
			t.Errorf("two secrets are called %s", name)
		}
		kept[name] = value.Reveal()
		return manifest.ByEnvironment(name, value)
	}, start)
	if err != nil {
		t.Fatal(err)
	}
	text, err := manifest.File{Version: 1, Tenants: []manifest.Tenant{tenant}}.Write()
	if err != nil {
		t.Fatal(err)
	}
	back, err := manifest.Parse(text, manifest.Options{Getenv: func(string) (string, bool) { return lanyard.NewWebhookSecret().Reveal(), true }})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, u := range back.Tenants[0].Users {
		if u.Name != names[i] || u.Address.Formatted != names[i] || len(u.Roles) > 0 {
			t.Errorf("%q came back as %q and %q", names[i], u.Name, u.Address.Formatted)
		}
	}
	if len(back.Tenants[0].Users) != len(names) || len(kept) != 3 {
		t.Errorf("%d users, secrets %v", len(back.Tenants[0].Users), kept)
	}
}
