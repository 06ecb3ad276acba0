package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictjson"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// Version is that of the API, not of the server.
const Version = "1.0.0"

// API is the management API of all tenants.
type API struct {
	management *management.Management
	issuer     *token.Issuer
	huma       huma.API
	routes     []web.Route
	// operations are what the routes do, for the matrix of permissions.
	operations []operation
	document   []byte
}

// New builds the API. It fails when an operation leaves something undeclared.
func New(m *management.Management, issuer *token.Issuer) (*API, error) {
	configureHuma()
	a := &API{management: m, issuer: issuer}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Lanyard management API", Version: Version,
				Description: "Manages a tenant: access tokens of its own issuer with the resource {issuer}" + lanyard.PathManagement + " and the scope manage.",
			},
			Servers: []*huma.Server{{URL: "."}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An opaque access token."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": strict, "json": strict},
		DefaultFormat: "application/json",
	}
	config.FieldsOptionalByDefault = true
	a.huma = huma.NewAPI(config, collector{a})
	a.register()
	for _, o := range a.operations {
		if err := o.check(); err != nil {
			return nil, err
		}
	}
	var err error
	a.document, err = json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	a.routes = append(a.routes, web.Route{
		Method: http.MethodGet, Path: lanyard.PathManagement + "/openapi.json", Kind: web.Data, Access: web.Anyone, CSRF: web.CSRFSameOrigin,
		CORS: web.CORSPublic, Head: true, Handler: a.openAPI,
	})
	return a, nil
}

// Routes is the table of the API.
func (a *API) Routes() []web.Route { return a.routes }

// OpenAPI is the document of the API as JSON.
func (a *API) OpenAPI() []byte { return a.document }

// OpenAPI30 is the same document in the older form 3.0, which generators of code still ask for.
func (a *API) OpenAPI30() ([]byte, error) { return a.huma.OpenAPI().Downgrade() }

func (a *API) openAPI(c *gin.Context) error {
	c.Data(http.StatusOK, "application/vnd.oai.openapi+json;version=3.1", a.document)
	return nil
}

// configureHuma sets what the library keeps for the whole process: names of members are
// exact, and errors never repeat what was sent.
var configureHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.NewErrorWithContext = newProblem
	huma.NewError = func(status int, message string, _ ...error) huma.StatusError { // the schema of errors is taken from it
		return problem(status, codeOf(status), message)
	}
})

// strict is JSON that reads the same to everybody.
var strict = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !strictjson.Whole(data) {
			return lanyard.ErrBadInput.Saying("the body has to be one JSON object in UTF-8 without repeated members")
		}
		return json.Unmarshal(data, v)
	},
}

// collector makes routes of the operations of the library.
type collector struct{ api *API }

// Handle implements huma.Adapter.
func (c collector) Handle(op *huma.Operation, handler func(huma.Context)) {
	declared, _ := op.Metadata[operationKey].(operation)
	c.api.operations = append(c.api.operations, declared)
	c.api.routes = append(c.api.routes, web.Route{
		Method: op.Method, Path: lanyard.PathManagement + strings.NewReplacer("{", ":", "}", "").Replace(op.Path), Kind: web.Data, Access: web.Bearer,
		CSRF: web.CSRFExempt("the access token proves the caller, no cookie is read"), CORS: web.CORSNone, MaxBody: declared.maxBody,
		Handler: func(g *gin.Context) error {
			who, err := c.api.door(g, declared)
			if err != nil {
				return writeProblem(g, err)
			}
			web.NoStore(g.Writer.Header())
			g.Request = g.Request.WithContext(context.WithValue(g.Request.Context(), callKey{}, call{Administrator: who, gin: g}))
			handler(humagin.NewContext(op, g))
			return nil
		},
	})
}

// ServeHTTP implements huma.Adapter; requests come through the route table.
func (collector) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
}

// register adds the operations of all nouns.
func (a *API) register() {
	for _, noun := range []func(){
		a.resources, a.clients, a.roles, a.settings, a.keys, a.refusals, a.connections, a.trustedIssuers, a.events, a.webhooks, a.mailTemplates,
		a.users, a.organizations, a.platformInvitations, a.tenants,
	} {
		noun()
	}
}

// Matrix lists for each operation, by method and path, which permission it needs, as the
// console and the documents show it.
func (a *API) Matrix() []Entry {
	var out []Entry
	for _, o := range a.operations {
		out = append(out, Entry{Method: o.Method, Path: o.Path, ID: o.ID, Permission: o.Permission, InOrganization: o.InOrganization})
	}
	slices.SortFunc(out, func(x, y Entry) int { return strings.Compare(x.Path+x.Method, y.Path+y.Method) })
	return out
}

// Entry is one line of the matrix of permissions.
type Entry struct{ Method, Path, ID, Permission, InOrganization string }
