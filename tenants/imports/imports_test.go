package imports_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/imports"
)

const realm = `{"realm":"shop","roles":{"realm":[{"name":"Clerk"},{"name":"offline_access"},{"name":"default-roles-shop"}]},
"users":[
 {"id":"11111111-2222","username":"ada","email":"ada@example.test","emailVerified":true,"firstName":"Ada","lastName":"Lovelace","enabled":true,
  "attributes":{"locale":["en"],"phoneNumber":["+44207"]},"realmRoles":["Clerk","default-roles-shop"],"requiredActions":["UPDATE_PASSWORD"],
  "credentials":[{"type":"password","secretData":"{\"value\":\"c2l4dHktZm91ci1ieXRlcy1vZi1hLWtleS1zaXh0eS1mb3VyLWJ5dGVzLW9mLWEta2V5LTAxMjM0NTY3OA==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}",
   "credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"},{"type":"otp","secretData":"{}","credentialData":"{}"}]},
 {"id":"33333333","username":"bob@example.test","email":"bob@example.test","enabled":false,
  "credentials":[{"type":"password","secretData":"{\"value\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}",
   "credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}],
  "federatedIdentities":[{"identityProvider":"google"}]},
 {"id":"x","username":"service-account-robot","serviceAccountClientId":"robot"}],
"clients":[
 {"clientId":"account","enabled":true},
 {"clientId":"shop","name":"Shop","secret":"0123456789abcdef0123456789abcdef","redirectUris":["https://shop.test/cb","https://shop.test/*"],
  "attributes":{"post.logout.redirect.uris":"https://shop.test/bye##+"},"consentRequired":true},
 {"clientId":"spa","publicClient":true,"redirectUris":["https://spa.test/cb"]},
 {"clientId":"robot","secret":"0123456789abcdef0123456789abcdef","standardFlowEnabled":false,"serviceAccountsEnabled":true},
 {"clientId":"saml","protocol":"saml"},
 {"clientId":"hidden","secret":"**********","redirectUris":["https://hidden.test/cb"]},
 {"clientId":"wild","publicClient":true,"redirectUris":["*"]}],
"organizations":[{"name":"Acme Inc","alias":"ACME","enabled":false,"domains":[{"name":"acme.test","verified":true}],"members":[{"username":"ada"}]}]}`

func TestRealmsOfKeycloakAreRead(t *testing.T) {
	got, err := imports.Keycloak(strings.NewReader(realm))
	if err != nil {
		t.Fatal(err)
	}
	want := imports.Result{
		Roles: []imports.Entry{{"name": "clerk", "permissions": []string{}}},
		Users: []imports.Entry{
			{
				"sub": "11111111-2222", "username": "ada", "email": "ada@example.test", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
				"locale": "en", "phone_number": "+44207", "roles": []string{"clerk"}, "must_change_password": true,
				"password_hash": "$pbkdf2-sha256$i=27500,l=61$MDEyMzQ1Njc4OWFiY2RlZg$c2l4dHktZm91ci1ieXRlcy1vZi1hLWtleS1zaXh0eS1mb3VyLWJ5dGVzLW9mLWEta2V5LTAxMjM0NTY3OA",
			},
			{
				"sub": "33333333", "email": "bob@example.test", "disabled": true,
				"password_hash": "$argon2id$v=19$m=7168,t=5,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
			},
		},
		Clients: []imports.Entry{
			{
				"client_id": "shop", "client_name": "Shop", "type": "web", "client_secret": "0123456789abcdef0123456789abcdef", "redirect_uris": []string{"https://shop.test/cb"},
				"post_logout_redirect_uris": []string{"https://shop.test/bye"}, "require_pkce": false, "first_party": false,
			},
			{"client_id": "spa", "type": "spa", "token_endpoint_auth_method": "none", "redirect_uris": []string{"https://spa.test/cb"}, "first_party": true},
			{
				"client_id": "robot", "type": "machine", "client_secret": "0123456789abcdef0123456789abcdef", "grant_types": []string{"client_credentials"},
				"require_pkce": false, "first_party": true,
			},
		},
		Organizations: []imports.Entry{{
			"slug": "acme", "name": "Acme Inc", "suspended": true, "domains": []imports.Entry{{"domain": "acme.test", "verified": true}},
			"members": []imports.Entry{{"user": "ada", "roles": []string{"member"}}},
		}},
	}
	left := got.Left
	got.Left = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, what := range []string{"ada: a credential of type otp", "bob@example.test: links to 1", "https://shop.test/*", "saml: the protocol", "hidden: its secret", "wild: no redirect URI"} {
		if !strings.Contains(strings.Join(left, "\n"), what) {
			t.Errorf("nobody is told of %q: %v", what, left)
		}
	}
	for _, u := range got.Users {
		if err := accounts.CheckHash(u["password_hash"].(string)); err != nil {
			t.Errorf("%s: %v", u["password_hash"], err)
		}
	}
}

const bcrypted = "$2b$10$eImiTXuWVxfM37uY4JANjO4ydoYDA6aiRKQTG7tdHKHqJyIQ7WJPW"

func TestUsersOfAuth0AreRead(t *testing.T) {
	one := `{"user_id":"auth0|1","email":"ada@example.test","email_verified":true,"name":"ada@example.test","nickname":"ada","blocked":true,"password_hash":"` + bcrypted + `","mfa_factors":[{}]}`
	two := `{"_id":{"$oid":"abc"},"email":"bob@example.test","name":"Bob","passwordHash":"` + bcrypted + `"}`
	three := `{"user_id":"auth0|3","username":"eve","custom_password_hash":{"algorithm":"md5","hash":{"value":"d41d","encoding":"hex"}}}`
	want := []imports.Entry{
		{"sub": "auth0|1", "email": "ada@example.test", "email_verified": true, "nickname": "ada", "disabled": true, "password_hash": bcrypted},
		{"sub": "auth0|abc", "email": "bob@example.test", "name": "Bob", "password_hash": bcrypted},
		{"sub": "auth0|3", "username": "eve"},
	}
	for form, text := range map[string]string{"lines": one + "\n\n" + two + "\n" + three, "array": " [" + one + "," + two + "," + three + "]"} {
		got, err := imports.Auth0(strings.NewReader(text))
		if err != nil {
			t.Fatal(form, err)
		}
		if diff := cmp.Diff(want, got.Users); diff != "" || len(got.Left) != 2 {
			t.Error(form, diff, got.Left)
		}
	}
}

func TestTablesAndLinesAreRead(t *testing.T) {
	want := []imports.Entry{
		{"email": "ada@example.test", "email_verified": true, "name": "Lovelace, Ada", "roles": []string{"a", "b"}, "password_hash": bcrypted},
		{"email": "bob@example.test"},
	}
	table := "\ufeffemail, email_verified,name,roles,password_hash\nada@example.test,true,\"Lovelace, Ada\",a b," + bcrypted + "\nbob@example.test,,,,\n"
	got, err := imports.CSV(strings.NewReader(table))
	if diff := cmp.Diff(want, got.Users); diff != "" || err != nil {
		t.Error(diff, err)
	}
	lines, err := imports.JSONLines(strings.NewReader(`{"email":"ada@example.test"}` + "\n\n" + `{"username":"bob"}`))
	if diff := cmp.Diff([]imports.Entry{{"email": "ada@example.test"}, {"username": "bob"}}, lines.Users); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestWhatCanNotBeReadIsSaid(t *testing.T) {
	for _, c := range []struct {
		read       func(io.Reader) (imports.Result, error)
		text, want string
	}{
		{imports.CSV, "", "the first line"},
		{imports.CSV, "email,shoe\n", `"shoe" is not known`},
		{imports.CSV, "email,email\n", "twice"},
		{imports.CSV, "email,disabled\na@b.test,perhaps\n", "line 2: disabled"},
		{imports.CSV, "email,name\na@b.test\n", "line 2 can not be read"},
		{imports.JSONLines, "{}\nnope\n", "line 2"},
		{imports.JSONLines, "null\n", "line 1"},
		{imports.JSONLines, strings.Repeat("x", 2<<20), "too long"},
		{imports.Auth0, "", "empty"},
		{imports.Auth0, "[{]", "JSON"},
		{imports.Keycloak, "[]", "JSON"},
	} {
		if _, err := c.read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v", c.text, err)
		}
	}
}
