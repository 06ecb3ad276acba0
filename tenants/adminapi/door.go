package adminapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// errNoToken is a call without a token: it gets a challenge without an error code (RFC 6750 §3.1).
var errNoToken = &lanyard.Error{Kind: lanyard.Unauthenticated, Code: "token_missing", Message: "an access token is needed"}

// door lets a caller in who may call the operation at all. The deed looks again, in its
// transaction, at what they may do to what there is.
func (a *API) door(g *gin.Context, o operation) (management.Administrator, error) {
	who, err := a.administrator(g)
	if err != nil {
		return management.Administrator{}, err
	}
	if who.ReadOnly && g.Request.Method != http.MethodGet {
		return management.Administrator{}, lanyard.ErrInsufficientScope
	}
	if !who.Powers.May(o.Permission) {
		if err := inOwnOrganization(g, who, o); err != nil {
			return management.Administrator{}, err
		}
	}
	if who.Live == nil {
		return management.Administrator{}, lanyard.ErrNotFound
	}
	return who, nil
}

// inOwnOrganization lets somebody who does not administer the tenant into the organization
// of their token. Every other one looks as if it were not there.
func inOwnOrganization(g *gin.Context, who management.Administrator, o operation) error {
	own := who.Joined.Organization
	if o.InOrganization == "" || own.ID == "" {
		return lanyard.ErrNotAllowed
	}
	if name := g.Param("organization"); name != string(own.ID) && name != own.Slug {
		return lanyard.ErrNotFound
	}
	if !who.Joined.Powers(who.Live.Roles).May(o.InOrganization) {
		return lanyard.ErrNotAllowed
	}
	return nil
}

// administrator is who calls: whoever the process itself vouches for, or the bearer of a token.
func (a *API) administrator(g *gin.Context) (management.Administrator, error) {
	ctx := g.Request.Context()
	home, live := tenants.Target(ctx)
	if operator, _ := ctx.Value(operatorKey{}).(bool); operator {
		if live == nil {
			return management.Administrator{}, lanyard.ErrNotFound
		}
		return a.management.Operator(live), nil
	}
	presented, err := bearer(g)
	if err != nil {
		return management.Administrator{}, err
	}
	v, err := a.issuer.Access(ctx, home, presented)
	if err != nil {
		return management.Administrator{}, err
	}
	web.NoteClient(ctx, v.ClientID)
	if live == nil { // a tenant that is not there; who asks is looked at all the same
		who, err := a.management.Enter(ctx, home, home, v)
		if err == nil && !who.Powers.May(lanyard.MayManageInstance) {
			err = lanyard.ErrNotAllowed
		}
		if err == nil {
			err = lanyard.ErrNotFound
		}
		return management.Administrator{}, err
	}
	return a.management.Enter(ctx, home, live, v)
}

// bearer takes the token from the header, once (RFC 6750 §2.1).
func bearer(g *gin.Context) (string, error) {
	headers := g.Request.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", errNoToken
	}
	scheme, value, found := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !found || !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(value) == "" {
		return "", errNoToken
	}
	return strings.TrimSpace(value), nil
}

type operatorKey struct{}

// AsOperator marks a request that the process makes to itself for whoever holds the
// database: the command line at the server. No request from a network has it.
func AsOperator(ctx context.Context) context.Context {
	return context.WithValue(ctx, operatorKey{}, true)
}
