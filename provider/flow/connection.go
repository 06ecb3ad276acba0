package flow

import (
	"context"
	"net/url"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// CallbackPath is where an upstream sends the browser back to, below the issuer.
func CallbackPath(c lanyard.ConnectionID) string { return "/federation/" + string(c) + "/callback" }

// Upstream begins a sign-in at the upstream that the request goes over, and tells
// where the browser has to go. The errors are lanyard.ErrUpstreamDown,
// lanyard.ErrUpstreamWrong, and lanyard.ErrNotOffered when the step is not due (any more).
func (f *Flow) Upstream(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) (string, error) {
	return "", lanyard.ErrNotOffered
}

// Arrived is what came of an answer of an upstream.
type Arrived struct {
	Request lanyard.AuthRequestID
	Moved
	// Tested is what a test sign-in found, of the connection; nil for every other sign-in.
	Tested     *lanyard.Assertion
	Connection *lanyard.Connection
	// Back is the page of our own that a test was begun on.
	Back string
}

// Arrive takes the answer of an upstream at its callback. visitor gives what the
// browser proves about a request. An answer to nothing that this browser asked is
// lanyard.ErrForeignFlow or lanyard.ErrStaleFlow; what the upstream refused, or said wrongly,
// is noted in the request, whose next step shows it.
func (f *Flow) Arrive(ctx context.Context, live *tenants.Live, connection lanyard.ConnectionID, answer url.Values,
	visitor func(lanyard.AuthRequestID) Visitor,
) (Arrived, error) {
	return Arrived{}, lanyard.ErrStaleFlow
}

// Link makes the identity that waits in the request a way in to the account that was
// proved, or leaves it. One that signs in somebody already is lanyard.ErrIdentityTaken.
func (f *Flow) Link(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, link bool) (Moved, error) {
	return Moved{}, lanyard.ErrNotOffered
}

// BeginLink lets a signed-in person link an account at an upstream, for a page of our
// own: after a fresh proof of the account whose sub is given.
func (f *Flow) BeginLink(ctx context.Context, live *tenants.Live, page, subject string, connection lanyard.ConnectionID, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, HintSubject: subject, Sudo: true, Link: connection}, v)
}

// BeginTest lets a signed-in person try a connection, for a page of our own.
func (f *Flow) BeginTest(ctx context.Context, live *tenants.Live, page, organization string, connection lanyard.ConnectionID, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, Organization: organization, Test: connection}, v)
}
