package tenants

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
)

// Landing is the application that an invitation leads to; nil for our own pages. One
// that is gone, turned off or has no page to begin at is none.
func (l *Live) Landing(ctx context.Context, i lanyard.Invitation) (*lanyard.Client, error) {
	if i.ClientID == "" {
		return nil, nil //nolint:nilnil // an invitation need not name one
	}
	client, err := l.Client(ctx, i.ClientID)
	if errors.Is(err, lanyard.ErrUnknownClient) || err == nil && (client.Disabled || client.StartPage(l.Issuer, i.OrganizationID) == "") {
		return nil, nil //nolint:nilnil // as above
	}
	return client, err
}
