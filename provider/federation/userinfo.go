package federation

import (
	"context"
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard/internal/fetch"
)

// userinfo asks for the profile of the person that the ID token is about (OpenID
// Connect Core §5.3.2): an answer about anybody else is refused as a whole.
func (u *Upstreams) userinfo(ctx context.Context, d discovery, got tokens, subject string) (claims, error) {
	if got.Access == "" || !strings.EqualFold(got.TokenType, "Bearer") {
		return nil, wrong("it gives no access token for userinfo")
	}
	header := http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + got.Access}}
	answer, err := u.ask(ctx, fetch.Request{URL: d.userinfo, Header: header})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, down("its userinfo endpoint answers with status %d", answer.Status)
	}
	all, err := readClaims(answer.Body)
	if err != nil {
		return nil, wrong("its userinfo: %v", err)
	}
	if !same(all.text("sub"), subject) {
		return nil, wrong("its userinfo is about somebody else")
	}
	return all, nil
}
