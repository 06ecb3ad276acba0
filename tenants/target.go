package tenants

import "context"

type targetKey struct{}

// WithTarget makes a request of this tenant's administrators one about another tenant,
// nil for one that is not there.
func WithTarget(ctx context.Context, target *Live) context.Context {
	return context.WithValue(ctx, targetKey{}, target)
}

// Target is the tenant of the request, that whoever calls belongs to, and the tenant that
// it is about: the same one, unless WithTarget said another.
func Target(ctx context.Context) (home, target *Live) {
	home = FromContext(ctx)
	if other, set := ctx.Value(targetKey{}).(*Live); set {
		return home, other
	}
	return home, home
}
