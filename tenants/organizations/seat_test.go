package organizations_test

import (
	"testing"

	"github.com/lanyard-id/lanyard"
)

// Whoever is no member finds nothing, as if the organization was never there; so do
// members of one that is closed.
func TestSeatsAreForMembersOfOpenOrganizations(t *testing.T) {
	inTown(t, func(h *town) {
		acme, owner := h.organization("acme"), h.person("olga")
		h.joins(owner, acme, lanyard.RoleOwner)
		if s := h.seat(owner, acme); !s.May(lanyard.MayDeleteOrganization) {
			t.Error("an owner may not delete the organization")
		}
		for what, slug := range map[string]string{"of somebody else": "acme", "never there": "nope", "no slug": "../x", "an id": string(acme.ID)} {
			_, err := h.Enter(h.Context(), h.t, h.person("p"+lanyard.NewSecret().Reveal()[:8]), slug, h.now)
			h.wants(what, err, lanyard.ErrNotFound)
		}
		acme.Suspended = true
		h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
		_, err := h.Enter(h.Context(), h.t, owner, "acme", h.now)
		h.wants("suspended", err, lanyard.ErrNotFound)
		acme.Suspended, acme.Policy.SecondFactor = false, lanyard.SecondFactorRequired
		h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
		_, err = h.Enter(h.Context(), h.t, owner, "acme", h.now)
		h.wants("without the second factor", err, lanyard.ErrPolicyUnmet)
	})
}
