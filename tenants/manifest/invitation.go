package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Invitation lets somebody into an organization or, at a tenant, sign up. Its natural
// key is the address, or the code: one that was ever made stays as it is, also when it
// was used, revoked or has expired. A mail goes out when it is made, and never again.
type Invitation struct {
	// Email binds it to an address. Otherwise Code opens it, to those with an address in Domain if that is set.
	Email  string `json:"email"`
	Domain string `json:"domain"`
	Code   Secret `json:"code"`
	// Roles are those in the organization; none for member.
	Roles     []string         `json:"roles"`
	Uses      int64            `json:"uses"`
	ExpiresAt Moment           `json:"expires_at"`
	ClientID  lanyard.ClientID `json:"client_id"`
	// Plan and TrialDays are for the organization of whoever signs up.
	Plan string `json:"plan"`
	// CodeHash stands for a code, and for a mail that went out, where only the SHA-256 of the code is known.
	CodeHash string `json:"code_sha256"`
	// Inviter is the sub of the person whose right to invite it hangs on; empty for the operators.
	Inviter   string `json:"inviter"`
	TrialDays int64  `json:"trial_days"`
}

// maxTrialDays is the longest trial.
const maxTrialDays = 3650

func checkInvitations(c checker, path string, all []Invitation, platform bool) {
	seen := map[string]bool{}
	for i := range all {
		all[i].check(c, fmt.Sprintf("%s.invitations[%d]", path, i), seen, platform)
	}
}

func (i *Invitation) check(c checker, path string, seen map[string]bool, platform bool) {
	i.Code.resolve(c, path+".code")
	if hash, err := base64.RawURLEncoding.DecodeString(i.CodeHash); err != nil || (len(hash) != 0 && len(hash) != sha256.Size) {
		c.complain(path+".code_sha256", "code_sha256 is a hash in base64url without padding")
	}
	if i.CodeHash != "" && c.document.Has(path+".code") {
		c.complain(path, "give either code or code_sha256")
	}
	if i.CodeHash == "" && (i.Email != "") == c.document.Has(path+".code") {
		c.complain(path, "an invitation has either email or code")
	}
	if i.Email != "" {
		key, err := lanyard.CanonicalEmail(i.Email)
		if err != nil {
			c.complain(path+".email", "%s", safe(err))
		}
		i.Email = key
		c.unique(seen, path+".email", "invitation", key)
	}
	if !i.Code.Value.IsZero() {
		code, err := lanyard.ParseInviteCode(i.Code.Value.Reveal())
		if err != nil {
			c.complain(path+".code", "a code is %d to 64 letters and digits, without u", lanyard.MinInviteCode)
		}
		if i.Code.Value = code; err == nil && seen[string(code.Hash())] {
			c.complain(path+".code", "this code stands here a second time")
		}
		seen[string(code.Hash())] = true
	}
	i.checkLimits(c, path, platform)
}

func (i *Invitation) checkLimits(c checker, path string, platform bool) {
	if i.Domain != "" {
		name, err := organizations.CheckDomain(i.Domain)
		if err != nil {
			c.complain(path+".domain", "%s", safe(err))
		}
		i.Domain = name
		if i.Email != "" {
			c.complain(path, "an invitation is for an address or for a domain")
		}
	}
	if i.Uses < 0 || i.Uses > lanyard.MaxInviteUses || (i.Email != "" && i.Uses > 1) {
		c.complain(path+".uses", "an invitation has 1 to %d uses, and one if it is for an address", lanyard.MaxInviteUses)
	}
	if platform && len(i.Roles) > 0 {
		c.complain(path+".roles", "an invitation to sign up has no roles")
	}
	if !platform && (i.Plan != "" || i.TrialDays != 0) {
		c.complain(path, "an invitation to an organization has no plan and no trial")
	}
	if i.TrialDays < 0 || i.TrialDays > maxTrialDays {
		c.complain(path+".trial_days", "a trial has 0 to %d days", maxTrialDays)
	}
	if !platform && len(i.Roles) == 0 {
		i.Roles = []string{lanyard.RoleMember}
	}
	for at, role := range i.Roles {
		if !validRole(role) {
			c.complain(fmt.Sprintf("%s.roles[%d]", path, at), "%q is not the name of a role", role)
		}
	}
}

// putInvitations makes the invitations of an organization (empty for the platform) that were never made.
func (r *run) putInvitations(ctx context.Context, id lanyard.OrganizationID, all []Invitation) error {
	if len(all) == 0 {
		return nil
	}
	t, err := r.tenancy(ctx)
	if err != nil {
		return err
	}
	for at := range all {
		known, invite := r.invited, r.invite
		if all[at].CodeHash != "" {
			known, invite = r.invitedByHash, r.inviteByHash
		}
		exists, err := known(ctx, id, &all[at])
		if err == nil && !exists {
			err = invite(ctx, t, id, &all[at])
		}
		if err != nil {
			return fmt.Errorf("invitation %d: %w", at+1, err)
		}
		r.summary.count(exists, false)
	}
	return nil
}

// invited tells whether there was ever such an invitation, or the person is in already.
func (r *run) invited(ctx context.Context, id lanyard.OrganizationID, i *Invitation) (bool, error) {
	if i.Email == "" {
		found, err := r.scope.InvitationByCode(ctx, i.Code.Value.Hash())
		switch {
		case errors.Is(err, lanyard.ErrNotFound):
			return false, nil
		case err == nil && found.OrganizationID != id:
			return false, lanyard.ErrConflict.Saying("the code belongs to another invitation")
		}
		return true, err
	}
	before, err := r.scope.InvitedBefore(ctx, id, i.Email)
	if err != nil || before || id == "" {
		return before, err
	}
	return r.scope.MemberAt(ctx, id, i.Email)
}

func (r *run) invite(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, i *Invitation) error {
	deeds := r.deps.Organizations
	if deeds == nil && i.Email != "" {
		return lanyard.ErrBadInput.Saying("no mail can be sent from here: use a code")
	}
	if deeds == nil {
		deeds = &organizations.Organizations{}
	}
	_, err := deeds.InviteToPlatform(ctx, r.scope, t, lanyard.Invitation{
		OrganizationID: id, Email: i.Email, Domain: i.Domain, Roles: i.Roles, ClientID: i.ClientID, Plan: i.Plan, TrialDays: i.TrialDays,
		MaxUses: i.Uses, ExpiresAt: i.ExpiresAt.Time,
	}, i.Code.Value, r.now)
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying("the organization is closed")
	}
	return err
}

// invitedByHash tells whether the invitation is there.
func (r *run) invitedByHash(ctx context.Context, id lanyard.OrganizationID, i *Invitation) (bool, error) {
	hash, err := base64.RawURLEncoding.DecodeString(i.CodeHash)
	if err != nil {
		return false, err
	}
	found, err := r.scope.InvitationByCode(ctx, hash)
	switch {
	case errors.Is(err, lanyard.ErrNotFound):
		return false, nil
	case err == nil && found.OrganizationID != id:
		return false, lanyard.ErrConflict.Saying("the code belongs to another invitation")
	}
	return true, err
}

// inviteByHash puts back an invitation that was made, and mailed, before.
func (r *run) inviteByHash(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, i *Invitation) error {
	hash, err := base64.RawURLEncoding.DecodeString(i.CodeHash)
	if err != nil {
		return err
	}
	out := lanyard.Invitation{
		ID: lanyard.NewInvitationID(), TenantID: t.Tenant.ID, OrganizationID: id, CodeHash: hash, Email: i.Email, Domain: i.Domain, Roles: i.Roles,
		ClientID: i.ClientID, Plan: i.Plan, TrialDays: i.TrialDays, MaxUses: max(i.Uses, 1), ExpiresAt: i.ExpiresAt.Time, CreatedAt: r.now,
	}
	if i.Inviter != "" {
		inviter, err := r.scope.UserBySubject(ctx, i.Inviter)
		if err != nil {
			return lanyard.ErrBadInput.Saying("there is no such inviter in the tenant")
		}
		out.InviterID = inviter.ID
	}
	if i.Email != "" {
		out.SentAt = r.now
	}
	if err := r.scope.InsertInvitation(ctx, out); err != nil {
		return err
	}
	return r.recordIn(ctx, id, lanyard.EventInvitationCreated, map[string]string{"invitation": string(out.ID)})
}

// tenancy is the tenant as it stands in the transaction.
func (r *run) tenancy(ctx context.Context) (accounts.Tenancy, error) {
	t, err := r.scope.Tenant(ctx)
	if err != nil {
		return accounts.Tenancy{}, err
	}
	out := accounts.Tenancy{Scope: r.scope, Tenant: t}
	if r.deps.Issuer != nil {
		out.Issuer = r.deps.Issuer(t)
	}
	if out.Roles, err = r.scope.Roles(ctx, ""); err != nil {
		return out, err
	}
	resources, err := r.scope.Resources(ctx)
	for i := range resources {
		out.Resources = append(out.Resources, &resources[i])
	}
	return out, err
}
