package client_test

import (
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/tenants/adminapi/client"
)

func is[T comparable](t *testing.T, what string, got *T, want T) {
	t.Helper()
	if got == nil || *got != want {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// A program of somebody else manages people with what is generated, against the real server.
func TestProgramsManageWithTheClient(t *testing.T) {
	p := idp.Start(t, idp.Options{})
	p.Administration()
	ctx := t.Context()
	api, err := client.Machine(ctx, p.Issuer, "operator", "operator-secret-0123456789-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	email, name := "grace@example.test", "Grace"
	made, err := api.CreateUserWithResponse(ctx, &client.CreateUserParams{}, client.NewUser{Email: &email, Name: &name})
	if err != nil || made.JSON201 == nil {
		t.Fatalf("%v %s", err, made.Body)
	}
	id := *made.JSON201.Id
	off := true
	changed, err := api.UpdateUserWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, id, &client.UpdateUserParams{IfMatch: new(made.HTTPResponse.Header.Get("ETag"))}, client.User{Disabled: &off})
	if err != nil || changed.JSON200 == nil {
		t.Fatalf("%v %s", err, changed.Body)
	}
	is(t, "disabled", changed.JSON200.Disabled, true)
	is(t, "the name", changed.JSON200.Name, "Grace")
	stale, err := api.DeleteUserWithResponse(ctx, id, &client.DeleteUserParams{IfMatch: new(made.HTTPResponse.Header.Get("ETag"))})
	if err != nil || stale.StatusCode() != http.StatusPreconditionFailed || !client.Is(*stale.ApplicationproblemJSONDefault, "changed_meanwhile") {
		t.Errorf("%v %s", err, stale.Body)
	}
	limit := int64(2)
	seen := 0
	for params := (client.ListUsersParams{Limit: &limit}); ; {
		page, err := api.ListUsersWithResponse(ctx, &params)
		if err != nil || page.JSON200 == nil {
			t.Fatalf("%v %s", err, page.Body)
		}
		seen += len(*page.JSON200.Items)
		if page.JSON200.Next == nil {
			break
		}
		params.Cursor = page.JSON200.Next
	}
	if seen != 5 {
		t.Errorf("%d users", seen)
	}
	other, err := client.With(p.Issuer, http.DefaultClient, client.InTenant("acme"))
	if err != nil {
		t.Fatal(err)
	}
	refused, err := other.ListUsersWithResponse(ctx, &client.ListUsersParams{})
	if err != nil || refused.StatusCode() != http.StatusUnauthorized || !client.Is(*refused.ApplicationproblemJSONDefault, "token_missing") {
		t.Errorf("%v %s", err, refused.Body)
	}
}
