package loginui

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// testedView is the page of a test sign-in that went well.
type testedView struct {
	*frame
	Name string
	// Found are what would be taken over, by the keys of their names.
	Found []field
	// EmailProved says that the address counts as proved; NoEmail that there is none.
	EmailProved, NoEmail bool
	// Claims are those of the ID token; empty for none.
	Claims string
	Back   string
}

// UpstreamTested shows what a test sign-in found. It signs nobody in.
func (p *Pages) UpstreamTested(c *gin.Context, connection *lanyard.Connection, found lanyard.Assertion, back string) error {
	v := testedView{
		frame: p.frame(c, nil), Name: upstreamName(*connection), EmailProved: found.EmailVerified, NoEmail: found.Email == "",
		Claims: indented(found.Claims), Back: localPage(site(c), back),
	}
	v.Wide = true
	// The language links would repeat what the upstream answered, which counts once.
	v.Switches = nil
	for _, f := range []field{
		{"issuer", found.Identity.Issuer}, {"subject", found.Identity.Subject}, {"email", found.Email}, {"name", found.Profile.Name},
		{"acr", found.ACR}, {"upstream_acr", found.UpstreamACR}, {"hosted_domain", found.HostedDomain}, {"microsoft_tenant", found.MicrosoftTenant},
	} {
		if f.Value != "" {
			v.Found = append(v.Found, f)
		}
	}
	if err := v.heading("tested.heading"); err != nil {
		return err
	}
	web.PageHeaders(c.Writer.Header())
	return p.show(c, http.StatusOK, "upstreamtest.html", v)
}

// indented lays JSON out for people; what is none stays as it is.
func indented(claims json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, claims, "", "  "); err != nil {
		return string(claims)
	}
	return out.String()
}
