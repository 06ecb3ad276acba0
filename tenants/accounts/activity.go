package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Events that a person is shown of their own account; the others are of interest to
// administrators.
var shownEvents = []lanyard.EventType{
	lanyard.EventUserSignedIn, lanyard.EventUserSignedUp, lanyard.EventUserUpdated, lanyard.EventUserDeletionAsked, lanyard.EventUserDeletionUndone,
	lanyard.EventUserExported, lanyard.EventPasswordChanged, lanyard.EventPasswordReset, lanyard.EventPasswordSet, lanyard.EventResetRequested,
	lanyard.EventEmailAdded, lanyard.EventEmailVerified, lanyard.EventEmailChanged, lanyard.EventEmailRemoved,
	lanyard.EventTOTPAdded, lanyard.EventTOTPRemoved, lanyard.EventCodesRenewed, lanyard.EventCodeUsed,
	lanyard.EventPasskeyAdded, lanyard.EventPasskeyRenamed, lanyard.EventPasskeyRemoved, lanyard.EventPasskeyCloned,
	lanyard.EventDeviceRemembered, lanyard.EventDeviceForgotten, lanyard.EventDeviceNew, lanyard.EventSessionEnded, lanyard.EventSessionsEnded,
	lanyard.EventConsentGranted, lanyard.EventGrantRevoked, lanyard.EventRefreshReplayed, lanyard.EventNotMe, lanyard.EventSignInFailed,
	lanyard.EventDeviceApproved, lanyard.EventDeviceDenied, lanyard.EventTokenExchanged,
	lanyard.EventMemberAdded, lanyard.EventMemberUpdated, lanyard.EventMemberRemoved, lanyard.EventMemberLeft, lanyard.EventOwnershipTransferred,
	lanyard.EventOrganizationChosen, lanyard.EventInvitationAccepted, lanyard.EventInvitationRevoked, lanyard.EventJoinRequested, lanyard.EventJoinRefused,
}

// activityPage is how many events are read for one page.
const activityPage = 50

// Activity lists what happened to the account, newest first, before an event (empty
// for the newest). next is where the following page begins; empty at the end.
func (a *Accounts) Activity(ctx context.Context, t Tenancy, user lanyard.UserID, before lanyard.EventID) ([]lanyard.Event, lanyard.EventID, error) {
	all, err := t.Scope.UserEvents(ctx, user, before, activityPage)
	if err != nil {
		return nil, "", err
	}
	next := lanyard.EventID("")
	if len(all) == activityPage {
		next = all[len(all)-1].ID
	}
	return slices.DeleteFunc(all, func(e lanyard.Event) bool { return !slices.Contains(shownEvents, e.Type) }), next, nil
}

// wrong notes a proof that was wrong: in the activity of the account, or, where
// there is none, in the same words about nobody, so that both cost the same.
func wrong(ctx context.Context, scope storage.Scope, user lanyard.UserID, method lanyard.Method, now time.Time, refusal error) error {
	err := scope.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventSignInFailed, At: now, UserID: user, Detail: map[string]string{"method": string(method)},
	})
	if err != nil {
		return err
	}
	return refusal
}
