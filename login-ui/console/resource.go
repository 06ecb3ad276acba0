package console

import (
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// resources are the pages of the APIs that tokens are made for.
func (c *Console) resources() {
	c.page(screen{path: "/resources", area: "/resources", permission: lanyard.MayReadSettings, show: c.resourceList})
	c.editor(deed{path: "/new/resource", area: "/resources", permission: lanyard.MayManageSettings, from: newResource, do: c.createResource})
	c.page(screen{path: "/resource", area: "/resources", permission: lanyard.MayReadSettings, show: c.resource})
	c.form(deed{path: "/resource", area: "/resources", permission: lanyard.MayManageSettings, from: c.resource, do: c.changeResource})
	c.removal(removal{
		path: "/resource/remove", area: "/resources", permission: lanyard.MayManageSettings, verb: "Remove",
		subject: func(x *visit) (string, []string, link, error) {
			r, err := c.Management.Resource(x.ctx(), x.Administrator, lanyard.ResourceID(x.id()))
			return r.Identifier, []string{"No tokens are made for this API any more, and applications that ask for it are refused. Tokens that are out keep working until they expire."},
				link{"Resources", x.at("/resources")}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveResource(x.ctx(), x.Administrator, lanyard.ResourceID(x.id()), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", "/resources")
		},
	})
}

func (c *Console) resourceList(x *visit) (*view, error) {
	add := link{"Add a resource", x.at("/new/resource")}
	t, err := listOf(x, listing[management.Resource]{
		path: "/resources", columns: management.ResourceColumns, search: "Search by identifier or name", heads: []string{"Identifier", "Name", "Scopes", "Tokens"},
		deed: c.Management.Resources,
		row: func(r management.Resource) []cell {
			return []cell{to(r.Identifier, x.at("/resource", "id", string(r.ID))), or(r.Name, "no name"), named(scopeNames(r), "none"), text(formatName(r.Format))}
		},
		empty: empty{"Resources are the APIs that your applications call. Once an API is registered, tokens can be made for it alone.", x.onlyFor(lanyard.MayManageSettings, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Resources", Lead: "The APIs that access tokens are made for.", Copy: []command{{CLI: "lanyard resource list", Method: "GET", Path: "/resources"}}}
	v.Actions = x.whoMay(lanyard.MayManageSettings, add)
	return v.add(t), nil
}

// onlyFor is a link for those who may.
func (x *visit) onlyFor(permission string, l link) link {
	if !x.may(permission) {
		return link{}
	}
	return l
}

// whoMay are links for those who may.
func (x *visit) whoMay(permission string, links ...link) []link {
	if !x.may(permission) {
		return nil
	}
	return links
}

func scopeNames(r management.Resource) []string {
	var out []string
	for _, s := range r.Scopes {
		out = append(out, s.Name)
	}
	return out
}

func formatName(f lanyard.TokenFormat) string {
	if f == lanyard.FormatOpaque {
		return "Opaque"
	}
	return "JWT"
}

func resourceFields(r lanyard.Resource) []field {
	var scopes []string
	for _, s := range r.Scopes {
		scopes = append(scopes, strings.TrimSpace(s.Name+" "+s.Description))
	}
	return []field{
		input("name", "Name", r.Name, "What people read when an application asks for access."),
		area("scopes", "Scopes", scopes, "One on each line: its name, then what it allows in words."),
		choose("token_format", "Access tokens", string(r.Format), option{Value: string(lanyard.FormatJWT), Text: "JWT, which the API checks by itself"}, option{Value: string(lanyard.FormatOpaque), Text: "Opaque, which the API asks us about"}),
	}
}

// readResource takes the form over into what there is.
func (x *visit) readResource(r lanyard.Resource) lanyard.Resource {
	before := r.Scopes
	r.Name, r.Format, r.Scopes = x.field("name"), lanyard.TokenFormat(x.field("token_format")), nil
	for _, line := range x.lines("scopes") {
		name, description, _ := strings.Cut(line, " ")
		scope := lanyard.ResourceScope{Name: name}
		for _, old := range before {
			if old.Name == name {
				scope = old
			}
		}
		scope.Description = strings.TrimSpace(description)
		r.Scopes = append(r.Scopes, scope)
	}
	return r
}

func newResource(x *visit) (*view, error) {
	fields := append([]field{required(input("identifier", "Identifier", "", "A URL that names the API, such as https://api.example.com. It can not be changed later."))}, resourceFields(lanyard.Resource{})...)
	v := &view{Title: "Add a resource", Crumbs: []link{{"Resources", x.at("/resources")}}, Copy: []command{{
		CLI: "lanyard resource create identifier=https://api.example.com", Method: "POST", Path: "/resources", Body: `{"identifier":"https://api.example.com"}`,
	}}}
	return v.add(form{Action: x.at("/new/resource"), Submit: "Add", Fields: fields, Cancel: x.at("/resources")}), nil
}

func (c *Console) createResource(x *visit) (outcome, error) {
	r := management.Resource{Resource: x.readResource(lanyard.Resource{Identifier: x.field("identifier")})}
	made, err := c.Management.CreateResource(x.ctx(), x.Administrator, r)
	if err != nil {
		return outcome{}, err
	}
	return x.done("created", "/resource", "id", string(made.ID))
}

func (c *Console) resource(x *visit) (*view, error) {
	r, err := c.Management.Resource(x.ctx(), x.Administrator, lanyard.ResourceID(x.id()))
	if err != nil {
		return nil, err
	}
	v := &view{Title: r.Identifier, Crumbs: []link{{"Resources", x.at("/resources")}}, Copy: []command{
		{CLI: "lanyard resource get " + string(r.ID), Method: "GET", Path: "/resources/" + string(r.ID)},
	}}
	shown := facts{Title: "Registration"}
	shown.put("Identifier", copyable(r.Identifier)).put("Id", code(string(r.ID)))
	v.add(shown)
	if !x.may(lanyard.MayManageSettings) {
		shown.put("Name", or(r.Name, "none")).put("Scopes", named(scopeNames(r), "none")).put("Access tokens", text(formatName(r.Format)))
		v.Blocks = []block{shown}
		return v, nil
	}
	v.Actions = []link{{"Remove", x.at("/resource/remove", "id", string(r.ID))}}
	f, err := versioned(form{Title: "Change", Action: x.at("/resource", "id", string(r.ID)), Submit: "Save", Fields: resourceFields(r.Resource)}, r)
	return v.add(f), err
}

func (c *Console) changeResource(x *visit) (outcome, error) {
	r, err := c.Management.ChangeResource(x.ctx(), x.Administrator, lanyard.ResourceID(x.id()), changed(x, func(r management.Resource) (management.Resource, error) {
		r.Resource = x.readResource(r.Resource)
		return r, nil
	}))
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/resource", "id", string(r.ID))
}
