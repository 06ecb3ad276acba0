package lanyard

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// AuthRequestLifetime is how long a person may take to sign in.
const AuthRequestLifetime = 30 * time.Minute

// CodeLifetime is how long an authorization code lives.
const CodeLifetime = 60 * time.Second

// Response modes (OAuth 2.0 Multiple Response Types, Form Post Response Mode).
const (
	ModeQuery    = "query"
	ModeFormPost = "form_post"
)

// Prompt values (OpenID Connect Core §3.1.2.1).
const (
	PromptNone          = "none"
	PromptLogin         = "login"
	PromptConsent       = "consent"
	PromptSelectAccount = "select_account"
	// PromptCreate asks for the sign-up page (Initiating User Registration via OpenID Connect 1.0).
	PromptCreate = "create"
)

// Way is another way through a step than the usual one.
type Way string

// The ways.
const (
	// WayPasskey, WayEmailCode and WaySignUp are ways to prove who one is besides the password.
	WayPasskey   Way = "passkey"
	WayEmailCode Way = "email_code"
	WaySignUp    Way = "sign_up"
	// WayOwner is the usual page in place of the organization's own connection, for owners.
	WayOwner Way = "owner"
	// WayForgot asks for a link that sets a new password.
	WayForgot Way = "forgot"
	// WayTOTP, WaySecurityKey, WayRecoveryCode and WayEmailRecovery are second factors.
	WayTOTP          Way = "totp"
	WaySecurityKey   Way = "security_key"
	WayRecoveryCode  Way = "recovery_code"
	WayEmailRecovery Way = "email_recovery"
)

// wayConnection begins the ways over an upstream; the connection's id follows.
const wayConnection = "connection:"

// WayOver is the way to sign in at an upstream.
func WayOver(c ConnectionID) Way { return Way(wayConnection + string(c)) }

// Connection is the upstream that the way leads over; empty for the other ways.
func (w Way) Connection() ConnectionID {
	id, over := strings.CutPrefix(string(w), wayConnection)
	if !over {
		return ""
	}
	return ConnectionID(id)
}

// AuthRequest is a validated authorization request on its way to a code.
type AuthRequest struct {
	ID       AuthRequestID
	TenantID TenantID
	ClientID ClientID
	Params   AuthParams
	// BindingHash ties the request to the browser that began it.
	BindingHash []byte
	// Identifier is the sign-in name that the person typed.
	Identifier string
	// SessionID is the session that the person chose or proved for this request.
	SessionID SessionID
	// Proved says that the person proved who they are during this request.
	Proved bool
	// Chosen says that the person chose the account during this request.
	Chosen bool
	// Agreed says that the person agreed to the request's scopes during this request.
	Agreed bool
	// Denied says that the person refused.
	Denied bool
	// Way is what the person chose instead of the usual page of the step that is due.
	Way Way
	// Skipped says that the person put the enrolment of a second factor off.
	Skipped bool
	// OrganizationID is the organization that the person chose during this request.
	OrganizationID OrganizationID
	// Joined says that the invitation of the request was accepted.
	Joined bool
	// Arrival is what an upstream proved in this request and is nobody's way in yet; nil for nothing.
	Arrival *Arrival
	// Refusal is the code of the error with which the last way over an upstream ended; empty for none.
	Refusal string
	// Progress is what was proved so far and is no session yet; nil for nothing.
	Progress  *Progress
	CreatedAt time.Time
	ExpiresAt time.Time
	// Code is the state of the authorization code; nil before it was made.
	Code *Code
}

// Code is the state of an authorization code.
type Code struct {
	Hash      []byte
	IssuedAt  time.Time
	ExpiresAt time.Time
	// UsedAt and GrantID are set by the one redemption.
	UsedAt  time.Time
	GrantID GrantID
	// Failures counts redemptions that failed a binding; the fifth burns the code.
	Failures int
}

// AuthParams are the parameters of an authorization request after validation.
type AuthParams struct {
	RedirectURI   string        `json:"redirect_uri"`
	ResponseMode  string        `json:"response_mode"`
	State         string        `json:"state,omitempty"`
	Nonce         string        `json:"nonce,omitempty"`
	Scopes        Scopes        `json:"scope,omitempty"`
	Resources     []string      `json:"resource,omitempty"`
	CodeChallenge string        `json:"code_challenge,omitempty"`
	Prompt        []string      `json:"prompt,omitempty"`
	MaxAge        *int64        `json:"max_age,omitempty"`
	ACRValues     []string      `json:"acr_values,omitempty"`
	LoginHint     string        `json:"login_hint,omitempty"`
	HintSubject   string        `json:"hint_subject,omitempty"`
	UILocales     []string      `json:"ui_locales,omitempty"`
	Claims        ClaimsRequest `json:"claims,omitzero"`
	// Local is the page of our own that the sign-in is for, with its query, when
	// there is no client: the account pages. Sudo asks for a fresh proof with
	// everything that the person has.
	Local string `json:"local,omitempty"`
	// Organization is the organization that the request names, by slug or id.
	Organization string `json:"organization,omitempty"`
	// Invitation is the invitation that the sign-in is for, InvitationShown the hash of
	// the code of it that the browser has shown.
	Invitation      InvitationID `json:"invitation,omitempty"`
	InvitationShown []byte       `json:"invitation_shown,omitempty"`
	Sudo            bool         `json:"sudo,omitempty"`
	// Link is the connection at which the person wants to link an account, Test the one
	// that they want to try without signing in.
	Link ConnectionID `json:"link,omitempty"`
	Test ConnectionID `json:"test,omitempty"`
}

// Prompts tells whether the request asks for the prompt.
func (p AuthParams) Prompts(prompt string) bool { return slices.Contains(p.Prompt, prompt) }

// ClaimsRequest is the claims parameter (OpenID Connect Core §5.5), cut to the claims that we know.
type ClaimsRequest struct {
	Userinfo []string `json:"userinfo,omitempty"`
	IDToken  []string `json:"id_token,omitempty"`
	// Subject is the sub that the request insists on, if any.
	Subject string `json:"sub,omitempty"`
	// ACR are the values of an acr claim that is essential.
	ACR []string `json:"acr,omitempty"`
}

// IsZero tells whether nothing was asked for.
func (c ClaimsRequest) IsZero() bool {
	return len(c.Userinfo) == 0 && len(c.IDToken) == 0 && c.Subject == "" && len(c.ACR) == 0
}

// ParseClaimsRequest reads the claims parameter. Claims that we do not know are
// ignored (OpenID Connect Core §5.5.1); anything that is not the JSON of §5.5 is ErrInvalidRequest.
func ParseClaimsRequest(text string) (ClaimsRequest, error) {
	bad := ErrInvalidRequest.Saying("claims is not a JSON object of the specified form")
	var wire struct {
		Userinfo map[string]*claimRequest `json:"userinfo"`
		IDToken  map[string]*claimRequest `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return ClaimsRequest{}, bad
	}
	out := ClaimsRequest{Userinfo: knownClaims(wire.Userinfo), IDToken: knownClaims(wire.IDToken)}
	for _, part := range []map[string]*claimRequest{wire.IDToken, wire.Userinfo} {
		if c := part["sub"]; c != nil && c.Value != "" {
			out.Subject = c.Value
		}
	}
	if c := wire.IDToken["acr"]; c != nil && c.Essential {
		out.ACR = c.Values
		if c.Value != "" {
			out.ACR = append(out.ACR, c.Value)
		}
	}
	return out, nil
}

type claimRequest struct {
	Essential bool     `json:"essential"`
	Value     string   `json:"value"`
	Values    []string `json:"values"`
}

// UnmarshalJSON ignores a value of another type than text; all members of §5.5.1 stay optional.
func (c *claimRequest) UnmarshalJSON(data []byte) error {
	var loose struct {
		Essential bool  `json:"essential"`
		Value     any   `json:"value"`
		Values    []any `json:"values"`
	}
	if err := json.Unmarshal(data, &loose); err != nil {
		return err
	}
	c.Essential = loose.Essential
	c.Value, _ = loose.Value.(string)
	for _, v := range loose.Values {
		if s, ok := v.(string); ok {
			c.Values = append(c.Values, s)
		}
	}
	return nil
}

func knownClaims(asked map[string]*claimRequest) []string {
	var out []string
	for name := range asked {
		if slices.Contains(RequestableClaims, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
