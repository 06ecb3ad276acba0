package server

import (
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// across leads what administrators of the instance do to another tenant,
// /api/v1/tenants/{tenant}/… and /console/tenants/{tenant}/… of the default tenant, to the
// same operation or page about that tenant. Who may do so is for the operation to say,
// also about a tenant that is not there.
type across struct {
	directory *tenants.Directory
	next      http.Handler
}

// crossings are the paths below which another tenant is named.
var crossings = []string{lanyard.PathManagement, "/console"}

// ServeHTTP implements http.Handler.
func (x *across) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if home := tenants.FromContext(r.Context()); home != nil && home.Tenant.Slug == lanyard.DefaultTenant {
		for _, base := range crossings {
			if slug, rest, found := crossing(r.URL.Path, base); found {
				r = x.at(r, slug, base+"/"+rest)
				break
			}
		}
	}
	x.next.ServeHTTP(w, r)
}

// crossing takes the tenant out of a path that has more after it.
func crossing(path, base string) (slug, rest string, found bool) {
	below, found := strings.CutPrefix(path, base+"/tenants/")
	if !found {
		return "", "", false
	}
	slug, rest, found = strings.Cut(below, "/")
	return slug, rest, found && slug != "" && rest != ""
}

func (x *across) at(r *http.Request, slug, path string) *http.Request {
	target, err := x.directory.BySlug(r.Context(), slug)
	if err != nil {
		target = nil
	}
	out := r.WithContext(tenants.WithTarget(r.Context(), target))
	u := *r.URL
	u.Path, u.RawPath = path, ""
	out.URL = &u
	return out
}
