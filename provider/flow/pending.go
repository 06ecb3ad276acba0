package flow

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Organizations are the deeds that a sign-in does in organizations: *organizations.Organizations.
type Organizations interface {
	OfferOf(ctx context.Context, t accounts.Tenancy, id lanyard.InvitationID, now time.Time) (organizations.Offer, error)
	Admit(ctx context.Context, tx storage.Scope, t accounts.Tenancy, id lanyard.InvitationID, user lanyard.User, proved []string, now time.Time) error
	MakePersonal(ctx context.Context, tx storage.Scope, t accounts.Tenancy, user lanyard.User, plan string, trialDays int64, now time.Time) (lanyard.Organization, error)
	Pending(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]organizations.Offer, error)
	Joinable(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, now time.Time) ([]organizations.Joinable, error)
	AskToJoin(ctx context.Context, t accounts.Tenancy, a accounts.Actor, organization lanyard.OrganizationID, now time.Time) error
	JoinByDomain(ctx context.Context, tx storage.Scope, t accounts.Tenancy, user lanyard.User, proved []string, now time.Time) error
}
