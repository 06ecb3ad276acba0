package console

import (
	"strconv"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// tenantPages are for administrators of the instance.
func (c *Console) tenantPages() {
	const (
		area = "/tenants"
		may  = lanyard.MayManageInstance
	)
	c.page(screen{path: area, area: area, permission: may, show: c.tenantList})
	c.editor(deed{path: "/new/tenant", area: area, permission: may, from: newTenant, do: c.createTenant})
	c.editor(deed{path: "/tenant", area: area, permission: may, from: c.tenant, do: c.changeTenant})
	c.form(deed{path: "/tenant/resume", area: area, permission: may, from: c.tenant, do: c.switchTenant(false)})
	c.removal(removal{
		path: "/tenant/suspend", area: area, permission: may, verb: "Suspend",
		subject: func(x *visit) (string, []string, link, error) {
			t, err := c.Management.Tenant(x.ctx(), x.Administrator, x.id())
			return t.Slug, []string{"Nobody can sign in, no token is made or believed, and its pages answer nobody. Nothing is deleted; it can be resumed."}, link{t.Name, x.at("/tenant", "id", x.id())}, err
		},
		do: c.switchTenant(true),
	})
}

func number(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func tenantState(t management.Tenant) cell {
	if t.Suspended {
		return tag("Suspended", "bad")
	}
	return tag("Active", "good")
}

func (c *Console) tenantList(x *visit) (*view, error) {
	add := link{"Add a tenant", x.at("/new/tenant")}
	t, err := listOf(x, listing[management.Tenant]{
		path: "/tenants", columns: management.TenantColumns, search: "Search by name, slug or host", heads: []string{"Name", "Issuer", "Status", "Created", ""}, deed: c.Management.Tenants,
		selects: []field{choose("suspended", "Status", "", option{Text: "All"}, option{Value: "false", Text: "Active"}, option{Value: "true", Text: "Suspended"})},
		row: func(t management.Tenant) []cell {
			administer := cell{}
			if t.ID != x.Home.Tenant.ID {
				administer = to("Administer", x.at("/tenants/"+t.Slug+pathHome))
			}
			return []cell{to(t.Name, x.at("/tenant", "id", t.Slug)), code(t.Issuer), tenantState(t), x.moment(t.CreatedAt, ""), administer}
		},
		empty: empty{"There is no tenant.", add},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Tenants", Lead: "Each is an issuer of its own, with its own people, applications, keys and policies.", Actions: []link{add}, Copy: []command{{CLI: "lanyard tenant list", Method: "GET", Path: "/tenants"}}}
	return v.add(t), nil
}

func newTenant(x *visit) (*view, error) {
	v := &view{Title: "Add a tenant", Crumbs: []link{{"Tenants", x.at("/tenants")}}, Copy: []command{{
		CLI: "lanyard tenant create slug=acme name=Acme", Method: "POST", Path: "/tenants", Body: `{"slug":"acme","name":"Acme"}`,
	}}}
	return v.add(form{Action: x.at("/new/tenant"), Submit: "Add", Cancel: x.at("/tenants"), Fields: append([]field{
		required(input("slug", "Slug", "", "Its name in the issuer, such as acme in "+x.Home.Issuer+"/t/acme. It can not be changed later.")),
	}, tenantFields(management.Tenant{})...)}), nil
}

func tenantFields(t management.Tenant) []field {
	return []field{
		input("name", "Name", t.Name, "What people read on pages and in mails."), input("host", "Own host name", t.Host, "Such as id.acme.com; empty for an address below this one. The issuer is made of it: a change makes all tokens, passkeys and callbacks of before worthless."),
		area("redirect_hosts", "Hosts that lead to it", t.RedirectHosts, "One on each line."),
	}
}

func (c *Console) createTenant(x *visit) (outcome, error) {
	made, err := c.Management.CreateTenant(x.ctx(), x.Administrator, management.NewTenant{Slug: x.field("slug"), Name: x.field("name"), Host: x.field("host"), RedirectHosts: x.lines("redirect_hosts")})
	if err != nil {
		return outcome{}, err
	}
	return x.done("created", "/tenant", "id", made.Slug)
}

func (c *Console) tenant(x *visit) (*view, error) {
	t, err := c.Management.Tenant(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	v := &view{Title: t.Name, Crumbs: []link{{"Tenants", x.at("/tenants")}}, Copy: []command{{CLI: "lanyard tenant get " + t.Slug, Method: "GET", Path: "/tenants/" + t.Slug}}}
	own := t.ID == x.Home.Tenant.ID
	if !own {
		v.Actions = []link{{"Administer", x.at("/tenants/" + t.Slug + pathHome)}}
	}
	f := facts{}
	f.put("Status", tenantState(t)).put("Slug", copyable(t.Slug)).put("Issuer", copyable(t.Issuer)).put("Id", code(string(t.ID))).put("Created", x.moment(t.CreatedAt, ""))
	edit, err := versioned(form{Title: "Change", Action: x.at("/tenant", "id", x.id()), Submit: "Save", Fields: tenantFields(t)}, t)
	if err != nil {
		return nil, err
	}
	v.add(f, edit)
	switch {
	case t.Suspended:
		v.add(form{Title: "Resume", Action: x.at("/tenant/resume", "id", x.id()), Submit: "Resume"})
	case !own:
		v.Actions = append(v.Actions, link{"Suspend", x.at("/tenant/suspend", "id", x.id())})
	}
	return v, nil
}

func (c *Console) changeTenant(x *visit) (outcome, error) {
	_, err := c.Management.ChangeTenant(x.ctx(), x.Administrator, x.id(), changed(x, func(t management.Tenant) (management.Tenant, error) {
		t.Name, t.Host, t.RedirectHosts = x.field("name"), x.field("host"), x.lines("redirect_hosts")
		return t, nil
	}))
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/tenant", "id", x.id())
}

func (c *Console) switchTenant(off bool) func(x *visit) (outcome, error) {
	return func(x *visit) (outcome, error) {
		_, err := c.Management.ChangeTenant(x.ctx(), x.Administrator, x.id(), func(t management.Tenant) (management.Tenant, error) {
			t.Suspended = off
			return t, nil
		})
		if err != nil {
			return outcome{}, err
		}
		return x.done(map[bool]string{true: "suspended", false: "resumed"}[off], "/tenant", "id", x.id())
	}
}
