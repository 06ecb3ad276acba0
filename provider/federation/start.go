package federation

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Start is where the browser has to go. The error is lanyard.ErrUpstreamDown when
// the upstream can not be asked, lanyard.ErrUpstreamWrong when its answer is no good.
func (u *Upstreams) Start(ctx context.Context, c lanyard.Connection, a Attempt) (string, error) {
	if err := a.check(c); err != nil {
		return "", err
	}
	d, err := u.discover(ctx, c)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(d.authorize)
	if err != nil {
		return "", wrong("its authorization endpoint is no URL")
	}
	query := target.Query()
	for name, value := range request(c, a) {
		if query.Del(name); value != "" {
			query.Set(name, value)
		}
	}
	target.RawQuery, target.Fragment = query.Encode(), ""
	return target.String(), nil
}

// request are the parameters of the authorization request; empty ones are left out.
func request(c lanyard.Connection, a Attempt) map[string]string {
	p := map[string]string{
		"response_type": "code", "client_id": c.UpstreamClientID, "redirect_uri": a.RedirectURI,
		"scope": strings.Join(c.AskedScopes(), " "), "state": a.State, "nonce": a.Nonce,
		"code_challenge": a.challenge(), "code_challenge_method": lanyard.ChallengeS256,
		"login_hint": a.LoginHint, "prompt": a.Prompt, "max_age": "", "hd": c.HostedDomain,
	}
	if a.MaxAge != nil {
		p["max_age"] = strconv.FormatInt(*a.MaxAge, 10)
	}
	return p
}
