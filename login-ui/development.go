package loginui

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard/tenants"
)

// Development is what the development server shows of itself.
type Development interface {
	// Overview is what the front page shows for a tenant.
	Overview(ctx context.Context, live *tenants.Live) (Overview, error)
	// Outbox lists the captured mails that are meant, newest first. If there is none
	// it waits for one, as long as the search says.
	Outbox(ctx context.Context, live *tenants.Live, s MailSearch) ([]Mail, error)
}

// Overview is the front page of the development server.
type Overview struct {
	Issuer   string
	Username string
	Password string
	Clients  []DevClient
	// Curl is a command line that gets a token.
	Curl string
}

// DevClient is one seeded client with its secret in clear.
type DevClient struct {
	ID           string
	Secret       string
	Type         string
	RedirectURIs []string
}

// TryPage is what the tiny relying party shows.
type TryPage struct {
	// Name is who is signed in; empty before.
	Name string
	// ErrorCode is the error that the sign-in ended with, if any.
	ErrorCode   string
	Description string
	Tokens      []DecodedToken
	// Userinfo is the answer of the userinfo endpoint as JSON, once it was asked.
	Userinfo string
	// MayRefresh says that there is a refresh token.
	MayRefresh bool
}

// DecodedToken is a token taken apart for reading. Nothing is verified here.
type DecodedToken struct {
	Name   string
	Raw    string
	Header string
	Claims string
}

// Paths of the tiny relying party.
const (
	PathTry         = "/dev/try"
	PathTryStart    = "/dev/try/start"    // POST
	PathTryRefresh  = "/dev/try/refresh"  // POST
	PathTryUserinfo = "/dev/try/userinfo" // POST
	PathTryLogout   = "/dev/try/logout"   // POST
)

// DecodeToken takes a token apart. One that is not a JWT has no header and no claims.
func DecodeToken(name, raw string) DecodedToken {
	out := DecodedToken{Name: name, Raw: raw}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return out
	}
	header, claims := prettyPart(parts[0]), prettyPart(parts[1])
	if header == "" || claims == "" {
		return out
	}
	out.Header, out.Claims = header, claims
	return out
}

func prettyPart(part string) string {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return ""
	}
	return PrettyJSON(data)
}

// PrettyJSON indents JSON for reading; empty if it is none.
func PrettyJSON(data []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return ""
	}
	return out.String()
}

type overviewView struct {
	*frame
	Overview
}

func (p *Pages) getOverview(c *gin.Context) error {
	overview, err := p.Development.Overview(c.Request.Context(), live(c))
	if err != nil {
		return err
	}
	f := p.frame(c, nil)
	f.Wide = true
	if err := f.heading("dev.heading"); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "overview.html", overviewView{f, overview})
}

type tryView struct {
	*frame
	TryPage
}

// Try renders the page of the tiny relying party.
func (p *Pages) Try(c *gin.Context, page TryPage) error {
	f := p.frame(c, nil)
	f.Wide = true
	if err := f.heading("try.heading"); err != nil {
		return err
	}
	if page.ErrorCode != "" {
		if err := f.problem("", "try.failed", "Code", plain(page.ErrorCode)); err != nil {
			return err
		}
	}
	return p.show(c, http.StatusOK, "try.html", tryView{f, page})
}
