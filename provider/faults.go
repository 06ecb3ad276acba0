package provider

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// oauthError is an error on the wire (RFC 6749 §5.2).
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// writeOAuth answers a program with an error: status, Retry-After and the
// challenge that the status needs. Causes stay in the log.
func writeOAuth(c *gin.Context, err error) {
	if c.Request.Context().Err() != nil { // the caller has hung up: no answer, and no outage
		web.WriteError(c, err)
		return
	}
	web.Note(c, err)
	e := web.Public(err)
	h := c.Writer.Header()
	web.NoStore(h)
	web.RetryAfter(h, e)
	status := web.StatusOf(e)
	if e.Code == lanyard.ErrInvalidClient.Code {
		h.Set("WWW-Authenticate", `Basic realm="client", charset="UTF-8"`)
	}
	body, _ := json.Marshal(oauthError{Code: e.Code, Description: plainText(e.Message)}) // two texts always marshal
	c.Data(status, "application/json", body)
}

// writeBearer answers the bearer of a token with an error and its challenge (RFC 6750 §3).
func writeBearer(c *gin.Context, err error) {
	e := web.Public(err)
	challenge := "Bearer"
	if e.Code != errNoToken.Code {
		challenge += ` error="` + e.Code + `", error_description="` + plainText(e.Message) + `"`
	}
	if status := web.StatusOf(e); status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest {
		c.Writer.Header().Set("WWW-Authenticate", challenge)
	}
	writeOAuth(c, err)
}

// plainText keeps a description within the characters of RFC 6749 §5.2.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return ' '
		}
		return r
	}, s)
}
