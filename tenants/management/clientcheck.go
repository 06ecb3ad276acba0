package management

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// ClientReport is what there is to say about a registration before it is made.
type ClientReport struct {
	// Refused is why it would be refused; empty if it would not.
	Refused  string            `json:"refused,omitempty"`
	Warnings []tenants.Warning `json:"warnings" nullable:"false"`
}

// CheckClient looks at a registration and stores nothing.
func (m *Management) CheckClient(_ context.Context, a Administrator, c Client) (ClientReport, error) {
	if err := a.Need(lanyard.MayManageClients); err != nil {
		return ClientReport{}, err
	}
	if c.ID == "" {
		c.ID = lanyard.NewClientID()
	}
	registration := c.registration()
	out := ClientReport{Warnings: tenants.LintClient(&registration)}
	var refused *lanyard.Error
	if err := tenants.CheckClient(&registration); errors.As(err, &refused) {
		out.Refused = refused.Message
	}
	return out, nil
}
