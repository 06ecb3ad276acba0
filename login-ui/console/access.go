package console

import (
	"net/http"
	"runtime"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// access is the page of machines that manage the tenant, and of how to begin.
func (c *Console) access() {
	c.page(screen{path: "/access", area: "/access", permission: lanyard.MayReadClients, show: c.accessPage})
	c.page(screen{path: "/system", area: "/system", permission: lanyard.MayManageInstance, show: c.system})
}

func (c *Console) accessPage(x *visit) (*view, error) {
	add := link{"Add a machine", x.at("/new/application", "kind", "machine")}
	t, err := listOf(x, listing[management.Client]{
		path: "/access", columns: management.ClientColumns, title: "Machines", heads: []string{"Name", "Client id", "Roles", "Status"},
		deed: only(c.Management.Clients, "type", string(lanyard.ClientMachine)),
		row: func(each management.Client) []cell {
			return []cell{to(each.DisplayName(), x.at("/application", "id", string(each.ID))), code(string(each.ID)), named(each.Roles, "none"), clientState(each)}
		},
		empty: empty{"A machine calls the management API in its own name, with the roles that you give it.", x.onlyFor(lanyard.MayManageClients, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "API access", Lead: "Everything that this console does can be done by programs.", Actions: x.whoMay(lanyard.MayManageClients, add), Copy: []command{{CLI: "lanyard client list --filter type=machine", Method: http.MethodGet, Path: "/clients?type=machine"}}}
	api := x.Live.Issuer + lanyard.PathManagement
	f := facts{Title: "The API"}
	f.put("Address", copyable(api)).put("Description", to("OpenAPI 3.1", api+"/openapi.json")).put("Resource of its tokens", copyable(api)).put("Scopes", named([]string{lanyard.ScopeManage, lanyard.ScopeManageRead}, ""))
	return v.add(f, t, snippet{Title: "Get a token and use it", Hint: "For a machine that may call the API " + lanyard.ManagementName + " and has a role.", Text: `TOKEN=$(curl -s -u "$CLIENT_ID:$CLIENT_SECRET" ` + x.Live.Issuer + `/oauth/token \
  -d grant_type=client_credentials -d scope=manage -d resource=` + api + ` | jq -r .access_token)
curl -H "Authorization: Bearer $TOKEN" ` + api + `/users`, Folded: false}), nil
}

// system is what there is to know about the server.
func (c *Console) system(x *visit) (*view, error) {
	f := facts{Title: "Server"}
	f.put("Version", or(c.Version, "not known")).put("Go", text(runtime.Version())).put("Platform", text(runtime.GOOS+" on "+runtime.GOARCH)).put("Time of the server", cell{Text: x.Now.UTC().Format("2006-01-02 15:04:05 UTC"), At: x.Now})
	f.put("Issuer of the default tenant", copyable(x.Home.Issuer))
	licences := facts{Title: "Licences"}
	licences.put("Lanyard", text("see LICENSE beside the program")).put("htmx", to("Zero-Clause BSD", "https://github.com/bigskysoftware/htmx/blob/master/LICENSE"))
	v := &view{Title: "System", Copy: []command{{CLI: "lanyard doctor"}, {CLI: "lanyard config print"}, {CLI: "lanyard migrate status"}}}
	return v.add(f, note{Text: "Health and metrics are on the operations listener: /healthz, /readyz and /metrics."}, licences), nil
}
