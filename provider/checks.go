package provider

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// question is an authorization request while it is checked.
type question struct {
	ctx    context.Context //nolint:containedctx // lives as long as the checks of one request
	live   *tenants.Live
	values url.Values
	client *lanyard.Client
	params lanyard.AuthParams
}

// get is a parameter; one without a value counts as left out (RFC 6749 §3.1).
func (q *question) get(name string) string { return q.values.Get(name) }

// localChecks come first. Until they pass there is nowhere to send an error to.
var localChecks = []func(*question) error{(*question).checkRepeats, (*question).checkClient, (*question).checkRedirect}

// redirectableChecks go back to the client as errors, in this order.
var redirectableChecks = []func(*question) error{
	(*question).checkMode, (*question).checkUnsupported, (*question).checkResponseType, (*question).checkGrant,
	(*question).checkScope, (*question).checkOrganization, (*question).checkChallenge, (*question).checkPrompt, (*question).checkMaxAge,
	(*question).checkClaims, (*question).checkHint, (*question).checkTarget,
}

func (q *question) checkLocally() error { return q.run(localChecks) }

func (q *question) checkRedirectably() error {
	q.params.State, q.params.Nonce = q.get("state"), q.get("nonce")
	q.params.LoginHint = clip(q.get("login_hint"), maxHint)
	q.params.ACRValues = list(q.get("acr_values"))
	q.params.UILocales = list(q.get("ui_locales"))
	return q.run(redirectableChecks)
}

func (q *question) run(checks []func(*question) error) error {
	for _, check := range checks {
		if err := check(q); err != nil {
			return err
		}
	}
	return nil
}

const (
	// maxHint bounds login_hint, in bytes.
	maxHint = 254
	// maxList bounds the members of a list parameter.
	maxList = 16
	// maxParameter bounds state, nonce and the like, in bytes.
	maxParameter = 4096
)

func list(text string) []string {
	words := strings.Fields(text)
	return words[:min(len(words), maxList)]
}

func clip(text string, longest int) string { return text[:min(len(text), longest)] }

func (q *question) checkRepeats() error {
	if name := repeated(q.values); name != "" {
		return lanyard.ErrInvalidRequest.Saying("a parameter is repeated")
	}
	return nil
}

func (q *question) checkClient() error {
	id := q.get("client_id")
	if id == "" {
		return lanyard.ErrUnknownClient.Saying("client_id is missing")
	}
	client, err := q.live.Client(q.ctx, lanyard.ClientID(id))
	if err != nil {
		return err
	}
	web.NoteClient(q.ctx, client.ID)
	if client.Disabled {
		return lanyard.ErrUnknownClient
	}
	q.client = client
	return nil
}

func (q *question) checkRedirect() error {
	uri := q.get("redirect_uri")
	if uri == "" {
		return lanyard.ErrBadRedirect.Saying("redirect_uri is missing")
	}
	if !lanyard.RedirectAllowed(q.client.Redirects(), uri) {
		return lanyard.ErrBadRedirect
	}
	q.params.RedirectURI = uri
	return nil
}

// checkMode comes first, so that the errors that follow go where the client looks for them.
func (q *question) checkMode() error {
	q.params.ResponseMode = lanyard.ModeQuery
	switch q.get("response_mode") {
	case "", lanyard.ModeQuery:
	case lanyard.ModeFormPost:
		q.params.ResponseMode = lanyard.ModeFormPost
	default:
		return lanyard.ErrInvalidRequest.Saying("response_mode is not supported")
	}
	if len(q.params.State) > maxParameter || len(q.params.Nonce) > maxParameter {
		q.params.State = ""
		return lanyard.ErrInvalidRequest.Saying("state or nonce is too long")
	}
	return nil
}

func (q *question) checkUnsupported() error {
	switch {
	case q.get("request") != "":
		return lanyard.ErrRequestNotSupported
	case q.get("request_uri") != "":
		return lanyard.ErrRequestURINotSupported
	case q.get("registration") != "":
		return lanyard.ErrRegistrationUnsupported
	}
	return nil
}

func (q *question) checkResponseType() error {
	switch q.get("response_type") {
	case "code":
		return nil
	case "":
		return lanyard.ErrInvalidRequest.Saying("response_type is missing")
	}
	return lanyard.ErrUnsupportedResponseType
}

func (q *question) checkGrant() error {
	if !q.client.MayUse(lanyard.GrantAuthorizationCode) {
		return lanyard.ErrUnauthorizedClient
	}
	return nil
}

// checkScope keeps what the client may ask for; what nobody knows is left out
// later, when the target is known (OpenID Connect Core §3.1.2.1).
func (q *question) checkScope() error {
	scopes, err := lanyard.ParseScopes(q.get("scope"))
	if err != nil {
		return err
	}
	q.params.Scopes = scopes.Only(func(s string) bool {
		if strings.HasPrefix(s, lanyard.ScopeOrganization) { // whoever may ask at all may ask for an organization
			return true
		}
		return q.client.MayAsk(s) && (s != lanyard.ScopeOfflineAccess || q.client.MayUse(lanyard.GrantRefreshToken))
	})
	return nil
}

// checkOrganization takes the organization that tokens are to be for, from the
// parameter or from a scope. Whether there is such a one is told to its members only.
func (q *question) checkOrganization() error {
	named, err := q.params.Scopes.Organization()
	if err != nil {
		return err
	}
	asked := q.get("organization")
	switch {
	case asked == "":
		asked = named
	case named != "" && named != asked:
		return lanyard.ErrInvalidRequest.Saying("organization and scope name two organizations")
	case !lanyard.ValidSlug(asked) && !lanyard.IsOrganizationID(asked), len(asked) > maxHint:
		return lanyard.ErrInvalidRequest.Saying("organization is neither a slug nor an id")
	}
	q.params.Organization = asked
	return nil
}

// checkChallenge is RFC 7636 §4.4.1 with S256 alone (RFC 9700 §2.1.1).
func (q *question) checkChallenge() error {
	challenge, method := q.get("code_challenge"), q.get("code_challenge_method")
	switch {
	case challenge == "" && (q.client.RequirePKCE || q.client.Public()):
		return lanyard.ErrInvalidRequest.Saying("code_challenge is missing")
	case challenge == "" && method != "":
		return lanyard.ErrInvalidRequest.Saying("code_challenge_method without code_challenge")
	case challenge == "":
		return nil
	case method != lanyard.ChallengeS256:
		return lanyard.ErrInvalidRequest.Saying("code_challenge_method must be S256")
	case !lanyard.ValidChallenge(challenge):
		return lanyard.ErrInvalidRequest.Saying("code_challenge is not the hash of a verifier")
	}
	q.params.CodeChallenge = challenge
	return nil
}

var prompts = []string{lanyard.PromptNone, lanyard.PromptLogin, lanyard.PromptConsent, lanyard.PromptSelectAccount, lanyard.PromptCreate}

func (q *question) checkPrompt() error {
	asked := strings.Fields(q.get("prompt"))
	for _, prompt := range asked {
		if !slices.Contains(prompts, prompt) {
			return lanyard.ErrInvalidRequest.Saying("prompt has a value that is not supported")
		}
	}
	if slices.Contains(asked, lanyard.PromptNone) && len(asked) > 1 {
		return lanyard.ErrInvalidRequest.Saying("prompt none stands alone")
	}
	q.params.Prompt = slices.Compact(slices.Sorted(slices.Values(asked)))
	return nil
}

func (q *question) checkMaxAge() error {
	text := q.get("max_age")
	if text == "" {
		return nil
	}
	const century = 100 * 365 * 24 * 60 * 60 // seconds
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return lanyard.ErrInvalidRequest.Saying("max_age is not a number of seconds")
	}
	seconds = min(seconds, century)
	q.params.MaxAge = &seconds
	return nil
}

func (q *question) checkClaims() error {
	text := q.get("claims")
	if text == "" {
		return nil
	}
	asked, err := lanyard.ParseClaimsRequest(text)
	q.params.Claims = asked
	return err
}

// checkHint takes the subject of an ID token of ours, that may have expired.
func (q *question) checkHint() error {
	text := q.get("id_token_hint")
	if text == "" {
		return nil
	}
	hint, err := readHint(q.live, text)
	if err != nil {
		return lanyard.ErrInvalidRequest.Saying("id_token_hint is not an ID token of this issuer")
	}
	q.params.HintSubject = hint.Subject
	return nil
}

// idTokenHint are the claims of an ID token that a hint is used for.
type idTokenHint struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience lanyard.ClientID `json:"aud"`
	SID      string           `json:"sid"`
}

// readHint verifies an ID token that we issued; its age does not matter, and its key may be retired.
func readHint(l *tenants.Live, text string) (idTokenHint, error) {
	var hint idTokenHint
	payload, err := l.Ring.VerifyOwn(text, keys.TypeIDToken)
	if err != nil {
		return hint, err
	}
	if err := json.Unmarshal(payload, &hint); err != nil || hint.Issuer != l.Issuer || hint.Subject == "" {
		return hint, lanyard.ErrInvalidToken
	}
	return hint, nil
}

// checkTarget decides what the tokens will be for (RFC 8707 §2.1) and drops the
// scopes that mean nothing there.
func (q *question) checkTarget() error {
	asked := slices.DeleteFunc(slices.Clone(q.values["resource"]), func(r string) bool { return r == "" })
	target, err := token.Aim(q.live, q.client, q.params.Scopes, asked)
	if err != nil {
		return err
	}
	q.params.Resources = target.Ceiling(q.live.Issuer)
	q.params.Scopes = q.params.Scopes.Only(func(s string) bool { return lanyard.StandardScope(s) || target.Knows(s) })
	return nil
}
