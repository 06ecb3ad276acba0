package tenants

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// PathConsoleCallback is where the console gets its codes, below the issuer.
const PathConsoleCallback = "/console/callback"

// PathConsoleTry is where a sign-in ends that an administrator tries as a client. Whoever
// comes there without having begun it in the same browser gets nothing.
const PathConsoleTry = "/console/try/callback"

// consoleLifetime is how long the console works with one token, at most the session's life.
const consoleLifetime = time.Hour

// consoleClient is the registration of the console: an ordinary confidential client whose
// redirect URI follows the issuer. It has no secret, so nobody authenticates as it at
// the token endpoint: the server redeems its codes itself.
func consoleClient(issuer string) *lanyard.Client {
	c := &lanyard.Client{
		ID: lanyard.ConsoleClient, Type: lanyard.ClientWeb, Name: "Lanyard console", FirstParty: true, RequirePKCE: true,
		RedirectURIs: []string{issuer + PathConsoleCallback}, PostLogoutRedirectURIs: []string{issuer + "/console"},
		GrantTypes: []string{lanyard.GrantAuthorizationCode}, AccessTokenLifetime: lanyard.Duration(consoleLifetime),
		DefaultResource: lanyard.ManagementName, Resources: []string{lanyard.ManagementName},
	}
	c.Normalize()
	return c
}

// EnsureConsole makes the row of the console's client, so that requests and grants can name it.
func (l *Live) EnsureConsole(ctx context.Context, now time.Time) error {
	_, err := l.Scope.Client(ctx, lanyard.ConsoleClient)
	if lanyard.KindOf(err) != lanyard.NotFound {
		return err
	}
	c := consoleClient("")
	c.CreatedAt, c.RedirectURIs, c.PostLogoutRedirectURIs = now, nil, nil
	return l.Scope.PutClient(ctx, *c)
}
