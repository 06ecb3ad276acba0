package lanyard

import "time"

// Token exchange (RFC 8693) as far as it is needed: what Telegram proved to a Mini App,
// for a short access token in which the bot's client acts for the person.
const (
	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

	// TokenTypeAccessToken is what an exchange gives (RFC 8693 §3).
	TokenTypeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	// TokenTypeMiniApp is the subject token of an exchange: the initData of a Telegram Mini
	// App, byte for byte as Telegram gave it to the page. The name is ours: no registry has one.
	TokenTypeMiniApp = "urn:lanyard:params:oauth:token-type:telegram-mini-app"

	// ExchangedLifetime is the longest life of a token that was given in exchange.
	ExchangedLifetime = 15 * time.Minute
)

// Acting is the claim act: who acts for the person that the token is about (RFC 8693 §4.1).
type Acting struct {
	Subject string `json:"sub"`
}

// Exchanged tells whether the grant was made without a sign-in, by what an upstream
// proved to the client. It has no session, and is never renewed.
func (g Grant) Exchanged() bool { return g.Actor != "" }

// Acting is the claim act of the grant's tokens; nil if nobody acts for the person.
func (g Grant) Acting() *Acting {
	if !g.Exchanged() {
		return nil
	}
	return &Acting{Subject: string(g.Actor)}
}
