package manifest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// Tenant is what a file says about one tenant. Members that it leaves out stay as they are.
type Tenant struct {
	Slug          string   `json:"slug"`
	Name          string   `json:"name"`
	Host          string   `json:"host"`
	RedirectHosts []string `json:"redirect_hosts"`
	// Suspended closes it until the file says that it is not.
	Suspended      *bool                 `json:"suspended"`
	Policy         *lanyard.Policy       `json:"policy"`
	Branding       *lanyard.Branding     `json:"branding"`
	Mail           *lanyard.MailSettings `json:"mail"`
	Users          []User                `json:"users"`
	Clients        []Client              `json:"clients"`
	Organizations  []Organization        `json:"organizations"`
	Roles          []Role                `json:"roles"`
	Resources      []Resource            `json:"resources"`
	TrustedIssuers []TrustedIssuer       `json:"trusted_issuers"`
	// Invitations let people sign up.
	Invitations []Invitation `json:"invitations"`
	// Connections are the upstream providers of the tenant itself.
	Connections []Connection `json:"connections"`
	Webhooks    []Webhook    `json:"webhooks"`
}

func (t *Tenant) check(c checker, path string) {
	if !lanyard.ValidSlug(t.Slug) {
		c.complain(path+".slug", "slug is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	if t.Slug == lanyard.DefaultTenant && t.Suspended != nil && *t.Suspended {
		c.complain(path+".suspended", "the default tenant can not be suspended")
	}
	faults := tenants.CheckHosts(lanyard.Tenant{Slug: t.Slug, Host: t.Host, RedirectHosts: t.RedirectHosts})
	for _, f := range faults {
		c.complain(path+"."+f.Field, "%s", f.Message)
	}
	if t.Branding != nil {
		for _, f := range tenants.CheckBranding(*t.Branding) {
			c.complain(path+".branding."+f.Field, "%s", f.Message)
		}
	}
	t.checkPolicy(c, path+".policy")
	t.checkMail(c, path+".mail")
	t.checkParts(c, path)
}

func (t *Tenant) checkParts(c checker, path string) {
	seen := map[string]bool{}
	for i := range t.Users {
		at := fmt.Sprintf("%s.users[%d]", path, i)
		t.Users[i].check(c, at, seen)
		t.checkAttributes(c, at, t.Users[i].Attributes)
	}
	seen = map[string]bool{}
	for i := range t.Clients {
		t.Clients[i].check(c, fmt.Sprintf("%s.clients[%d]", path, i), seen)
	}
	seen = map[string]bool{}
	for i := range t.Resources {
		t.Resources[i].check(c, fmt.Sprintf("%s.resources[%d]", path, i), seen)
	}
	seen = map[string]bool{}
	for i := range t.Roles {
		t.Roles[i].check(c, fmt.Sprintf("%s.roles[%d]", path, i), seen)
	}
	seen = map[string]bool{}
	ids := map[string]bool{}
	checkConnections(c, path, t.Connections, false, ids)
	for i := range t.Organizations {
		at := fmt.Sprintf("%s.organizations[%d]", path, i)
		t.Organizations[i].check(c, at, seen)
		checkConnections(c, at, t.Organizations[i].Connections, true, ids)
	}
	checkInvitations(c, path, t.Invitations, true)
	seen = map[string]bool{}
	for i := range t.Webhooks {
		t.Webhooks[i].check(c, fmt.Sprintf("%s.webhooks[%d]", path, i), seen)
	}
	seen = map[string]bool{}
	for i := range t.TrustedIssuers {
		t.TrustedIssuers[i].check(c, fmt.Sprintf("%s.trusted_issuers[%d]", path, i), seen)
	}
}

// algorithms lists what the tenant's clients and resources have signed.
func (t *Tenant) algorithms() []string {
	var out []string
	for _, c := range t.Clients {
		out = append(out, c.IDTokenAlg)
	}
	for _, r := range t.Resources {
		out = append(out, r.Algorithm)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(alg string) bool { return alg == "" })
}

// put creates the tenant of the file or brings it to what the file says.
func (r *run) putTenant(ctx context.Context, t *Tenant, exists bool) error {
	if !exists {
		created := t.onto(lanyard.Tenant{ID: r.scope.TenantID(), Slug: t.Slug, Name: t.Slug, CreatedAt: r.now})
		r.summary.Created++
		return errors.Join(r.scope.InsertTenant(ctx, created), r.record(ctx, lanyard.Event{Type: lanyard.EventTenantCreated}))
	}
	before, err := r.scope.Tenant(ctx)
	if err != nil {
		return err
	}
	after := t.onto(before)
	if reflect.DeepEqual(before, after) {
		r.summary.Unchanged++
		return nil
	}
	r.summary.Updated++
	if err := r.scope.UpdateTenant(ctx, after); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventTenantUpdated})
}

// onto lays what the file says over what there is.
func (t *Tenant) onto(out lanyard.Tenant) lanyard.Tenant {
	if t.Name != "" {
		out.Name = t.Name
	}
	if t.Host != "" {
		out.Host = t.Host
	}
	if t.RedirectHosts != nil {
		out.RedirectHosts = t.RedirectHosts
	}
	out.Suspended = chosen(t.Suspended, out.Suspended)
	if t.Policy != nil {
		out.Policy = *t.Policy
	}
	if t.Branding != nil {
		out.Branding = *t.Branding
	}
	if t.Mail != nil {
		out.Mail = *t.Mail
	}
	return out
}
