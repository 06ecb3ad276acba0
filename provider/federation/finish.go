package federation

import (
	"context"
	"net/url"

	"github.com/lanyard-id/lanyard"
)

// Finish turns what came back to our callback into what the upstream proved. The
// errors are lanyard.ErrUpstreamRefused, ErrUpstreamDown and ErrUpstreamWrong; or the
// cause of ctx, when that ended.
func (u *Upstreams) Finish(ctx context.Context, c lanyard.Connection, a Attempt, values url.Values) (lanyard.Assertion, error) {
	if err := a.check(c); err != nil {
		return lanyard.Assertion{}, err
	}
	cb, err := readCallback(values)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	d, err := u.discover(ctx, c)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	if err := cb.check(c, d, a); err != nil {
		return lanyard.Assertion{}, err
	}
	if err := cb.err(); err != nil {
		return lanyard.Assertion{}, err
	}
	got, err := u.exchange(ctx, c, d, a, cb.code)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	return u.assertion(ctx, c, d, a, cb, got)
}

// assertion validates what the token endpoint gave. The identity comes from the ID
// token alone; userinfo only adds to the profile.
func (u *Upstreams) assertion(ctx context.Context, c lanyard.Connection, d discovery, a Attempt, cb callback, got tokens) (lanyard.Assertion, error) {
	claims, err := u.validate(ctx, c, d, a, got)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	if cb.issuer != "" && cb.issuer != claims.text("iss") {
		return lanyard.Assertion{}, wrong("its ID token is of another issuer than its answer")
	}
	out, err := rulesOf(c).assert(c, claims)
	if err != nil {
		return lanyard.Assertion{}, err
	}
	if c.UserInfo && d.userinfo != "" {
		more, err := u.userinfo(ctx, d, got, claims.text("sub"))
		if err != nil {
			return lanyard.Assertion{}, err
		}
		addProfile(&out, c, more)
		if out.Email == "" { // address and flag are of one source, never mixed
			out.Email, out.EmailVerified = rulesOf(c).email(c, more)
		}
	}
	return out, nil
}
