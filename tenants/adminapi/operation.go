package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// operation is one line of the API. What is left out of the first block is a fault.
type operation struct {
	Method string
	// Path is below /api/v1, with its parameters as {name}.
	Path string
	// ID names it for clients that are generated: listUsers.
	ID      string
	Summary string
	// Permission is what an administrator of the tenant needs.
	Permission string

	// InOrganization is the permission that lets members act in the organization that the
	// path names as {organization}; empty where that is for administrators of the tenant alone.
	InOrganization string
	// Apart is for creations that take too long for a transaction: management.OnceApart.
	Apart bool
	// Status of success; 0 for the usual one of the method.
	Status int
	// maxBody bounds the body, in bytes; 0 for the usual.
	maxBody int64
}

const operationKey = "lanyard"

var parameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// check finds what an operation leaves undeclared.
func (o operation) check() error {
	known := append(slices.Clone(lanyard.AdministrationPermissions), "")
	switch {
	case o.Method == "" || o.Path == "" || o.ID == "" || o.Summary == "":
		return fmt.Errorf("operation %s %s leaves something out", o.Method, o.Path)
	case o.Permission == "" || !slices.Contains(known, o.Permission):
		return fmt.Errorf("operation %s has no permission that there is", o.ID)
	case o.InOrganization != "" && !slices.Contains(lanyard.OwnPermissions, o.InOrganization):
		return fmt.Errorf("operation %s has no permission of organizations that there is", o.ID)
	case o.InOrganization != "" && !strings.Contains(o.Path, "{organization}"):
		return fmt.Errorf("operation %s is in no organization", o.ID)
	}
	return nil
}

// of describes the operation to the library.
func (o operation) of() huma.Operation {
	tag, _, _ := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
	out := huma.Operation{
		Method: o.Method, Path: o.Path, OperationID: o.ID, Summary: o.Summary, Tags: []string{tag}, DefaultStatus: o.Status,
		Security: []map[string][]string{{"bearer": {}}}, Metadata: map[string]any{operationKey: o},
		Extensions:   map[string]any{"x-permission": o.Permission},
		MaxBodyBytes: o.maxBody,
	}
	if o.InOrganization != "" {
		out.Extensions["x-organization-permission"] = o.InOrganization
	}
	for _, name := range parameter.FindAllStringSubmatch(o.Path, -1) {
		out.Parameters = append(out.Parameters, &huma.Param{Name: name[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	return out
}

// call is one call of an operation by an administrator.
type call struct {
	management.Administrator
	gin *gin.Context
}

type callKey struct{}

// callOf is the call of the request; API.door has put it there.
func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// in is a parameter of the path.
func (c call) in(name string) string { return c.gin.Param(name) }

// organization is the {organization} of the path: its id, or its slug.
func (c call) organization() string { return c.in("organization") }

// pageInput is what every list can be asked.
type pageInput struct {
	Limit  int    `query:"limit" doc:"How many, 1 to 200; 50 by default"`
	Cursor string `query:"cursor" doc:"next of the page before"`
	Search string `query:"search" doc:"Part of a name"`
	Sort   string `query:"sort" doc:"Name of an order, with - in front for the other way"`
}

var pageParameters = []string{"limit", "cursor", "search", "sort"}

type bodyOutput[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// list registers a list with the filters that its columns name.
func list[T any](a *API, o operation, columns management.Columns, deed func(context.Context, call, management.Query) (management.List[T], error)) {
	o.Method = http.MethodGet
	op := o.of()
	for _, filter := range columns.Filters {
		op.Parameters = append(op.Parameters, &huma.Param{Name: filter, In: "query", Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if len(columns.Sorts) > 0 {
		op.Description = "Sorted by " + strings.Join(columns.Sorts, ", ") + "."
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *pageInput) (*struct{ Body management.List[T] }, error) {
		c := callOf(ctx)
		q := management.Query{Limit: in.Limit, Cursor: in.Cursor, Search: in.Search, Sort: in.Sort, Filter: map[string]string{}}
		for name, values := range c.gin.Request.URL.Query() {
			switch {
			case len(values) > 1:
				return nil, c.problem(lanyard.ErrBadInput.Saying("the parameter " + name + " stands there twice"))
			case slices.Contains(columns.Filters, name):
				q.Filter[name] = values[0]
			case !slices.Contains(pageParameters, name):
				return nil, c.problem(lanyard.ErrBadInput.Saying("the list has no parameter of this name"))
			}
		}
		if in.Limit == 0 && c.gin.Request.URL.Query().Has("limit") {
			return nil, c.problem(lanyard.ErrBadInput.Saying("limit is 1 to 200"))
		}
		page, err := deed(ctx, c, q)
		if err != nil {
			return nil, c.problem(err)
		}
		return &struct{ Body management.List[T] }{page}, nil
	})
}

// get registers the reading of one thing.
func get[T any](a *API, o operation, deed func(context.Context, call) (T, error)) {
	o.Method = http.MethodGet
	huma.Register(a.huma, o.of(), func(ctx context.Context, _ *struct{}) (*bodyOutput[T], error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		thing, err := deed(ctx, c)
		return answer(c, thing, err)
	})
}

type createInput[T any] struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"A retry with the same key and body gets the first answer"`
	Body           T
	RawBody        []byte
}

// create registers a creation: once for an idempotency key, answered with 201.
func create[T, R any](a *API, o operation, deed func(context.Context, call, T) (R, error)) {
	o.Method = http.MethodPost
	if o.Status == 0 {
		o.Status = http.StatusCreated
	}
	huma.Register(a.huma, o.of(), func(ctx context.Context, in *createInput[T]) (*bodyOutput[R], error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		request := slices.Concat([]byte(o.Method+" "+c.gin.Request.URL.Path+"\n"), in.RawBody)
		var made R
		once := a.management.Once
		if o.Apart {
			once = a.management.OnceApart
		}
		data, err := once(ctx, c.Administrator, in.IdempotencyKey, request, func(who management.Administrator) ([]byte, error) {
			within := c
			within.Administrator = who
			thing, err := deed(ctx, within, in.Body)
			if err != nil {
				return nil, err
			}
			return json.Marshal(thing)
		})
		if err == nil {
			err = json.Unmarshal(data, &made)
		}
		return answer(c, made, err)
	})
	jsonOnly(a.huma.OpenAPI().Paths[o.Path].Post)
}

// jsonOnly takes the form away from the document that the library adds for a body that is also read raw.
func jsonOnly(op *huma.Operation) { delete(op.RequestBody.Content, "application/octet-stream") }

// act registers something that is done to a thing and is neither of the others. Its answer has no ETag.
func act[T, R any](a *API, o operation, deed func(context.Context, call, T) (R, error)) {
	o.Method = http.MethodPost
	if o.Status == 0 {
		o.Status = http.StatusOK
	}
	huma.Register(a.huma, o.of(), func(ctx context.Context, in *struct{ Body T }) (*struct{ Body R }, error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		out, err := deed(ctx, c, in.Body)
		if err != nil {
			return nil, c.problem(err)
		}
		return &struct{ Body R }{out}, nil
	})
}

type changeInput[T any] struct {
	IfMatch string `header:"If-Match" doc:"ETag of what is changed; 412 if it is another by now"`
	Body    T      `contentType:"application/merge-patch+json"`
	RawBody []byte
}

// change registers a change by a merge patch (RFC 7396).
func change[T any](a *API, o operation, deed func(context.Context, call, management.Change[T]) (T, error)) {
	o.Method = http.MethodPatch
	op := o.of()
	op.SkipValidateBody = true // the result is looked at, not the patch
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, o.ID)
	huma.Register(a.huma, op, func(ctx context.Context, in *changeInput[T]) (*bodyOutput[T], error) {
		c := callOf(ctx)
		version, err := ifMatch(in.IfMatch)
		if err == nil {
			err = c.noQuery()
		}
		if err != nil {
			return nil, c.problem(err)
		}
		thing, err := deed(ctx, c, func(current T) (T, error) {
			var none T
			if err := management.AtVersion[T](version)(current); err != nil {
				return none, err
			}
			return merged(a.huma.OpenAPI().Components.Schemas, schema, current, in.RawBody)
		})
		return answer(c, thing, err)
	})
	jsonOnly(a.huma.OpenAPI().Paths[o.Path].Patch)
}

// remove registers a removal, answered with 204.
func remove[T any](a *API, o operation, deed func(context.Context, call, management.Condition[T]) error) {
	o.Method = http.MethodDelete
	op := o.of()
	huma.Register(a.huma, op, func(ctx context.Context, in *struct {
		IfMatch string `header:"If-Match" doc:"ETag of what is removed; 412 if it is another by now"`
	}) (*struct{}, error) {
		c := callOf(ctx)
		version, err := ifMatch(in.IfMatch)
		if err == nil {
			err = c.noQuery()
		}
		if err == nil {
			err = deed(ctx, c, management.AtVersion[T](version))
		}
		if err != nil {
			return nil, c.problem(err)
		}
		return nil, nil //nolint:nilnil // 204 has no body
	})
}

// noQuery refuses parameters where there are none.
func (c call) noQuery() error {
	if c.gin.Request.URL.RawQuery != "" {
		return lanyard.ErrBadInput.Saying("there are no parameters here")
	}
	return nil
}

// ifMatch is the version that a caller saw; empty for any.
func ifMatch(header string) (string, error) {
	if header == "" || header == "*" {
		return "", nil
	}
	version, quoted := strings.CutPrefix(header, `"`)
	version, closed := strings.CutSuffix(version, `"`)
	if !quoted || !closed || strings.ContainsAny(version, `",`) || version == "" {
		return "", lanyard.ErrBadInput.Saying("If-Match is one strong ETag")
	}
	return version, nil
}

// answer is a thing with its ETag, or the problem.
func answer[T any](c call, thing T, err error) (*bodyOutput[T], error) {
	if err != nil {
		return nil, c.problem(err)
	}
	version, err := management.Version(thing)
	if err != nil {
		return nil, c.problem(err)
	}
	return &bodyOutput[T]{ETag: `"` + version + `"`, Body: thing}, nil
}

// problem notes an error for the log and makes the answer of it.
func (c call) problem(err error) error {
	web.Note(c.gin, err)
	return problemOf(c.gin, err)
}

// merged is what a merge patch makes of a thing, checked like a body.
func merged[T any](schemas huma.Registry, schema *huma.Schema, current T, patch []byte) (T, error) {
	var out T
	var change map[string]any
	if err := strict.Unmarshal(patch, &change); err != nil {
		return out, lanyard.ErrBadInput.Saying("the body has to be one JSON object in UTF-8 without repeated members")
	}
	document, err := json.Marshal(current)
	if err != nil {
		return out, err
	}
	var before map[string]any
	if err := json.Unmarshal(document, &before); err != nil {
		return out, err
	}
	after := merge(before, change)
	result, path := &huma.ValidateResult{}, huma.NewPathBuffer([]byte("body"), len("body"))
	huma.Validate(schemas, schema, path, huma.ModeWriteToServer, after, result)
	if len(result.Errors) > 0 {
		return out, invalid(result.Errors)
	}
	if document, err = json.Marshal(after); err != nil {
		return out, err
	}
	if err := json.Unmarshal(document, &out); err != nil {
		return out, lanyard.ErrBadInput.Saying("a member has a value of another kind than it takes")
	}
	return out, nil
}

// merge is the algorithm of RFC 7396 §2.
func merge(target, patch map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, name)
		case isObject:
			before, _ := target[name].(map[string]any)
			target[name] = merge(before, inner)
		default:
			target[name] = value
		}
	}
	return target
}
