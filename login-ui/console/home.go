package console

import "github.com/lanyard-id/lanyard/tenants/management"

// register adds the pages of all nouns.
func (c *Console) register() {
	for _, noun := range []func(){
		c.home, c.clients, c.users, c.organizations, c.roles, c.resources, c.settings, c.keys, c.traces, c.tenantPages,
	} {
		noun()
	}
}

func (c *Console) home() {
	c.page(screen{path: pathHome, area: pathHome, permission: anyAdministrator, show: c.front})
}

func (c *Console) front(x *visit) (*view, error) {
	_ = management.DefaultLimit
	return &view{Title: "Home"}, nil
}
