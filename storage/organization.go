package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

// organizationColumns reads an organization; the table is o.
const organizationColumns = `o.id AS org_id, o.slug AS org_slug, o.name AS org_name, o.code AS org_code, o.personal AS org_personal,
	o.plan AS org_plan, o.trial_end AS org_trial_end, o.seats AS org_seats, o.language AS org_language, o.branding AS org_branding,
	o.policy AS org_policy, o.suspended AS org_suspended, o.delete_at AS org_delete_at, o.created_at AS org_created_at`

type organizationRow struct {
	OrgID        string
	OrgSlug      string
	OrgName      string
	OrgCode      string
	OrgPersonal  bool
	OrgPlan      string
	OrgTrialEnd  int64
	OrgSeats     int64
	OrgLanguage  string
	OrgBranding  string
	OrgPolicy    string
	OrgSuspended bool
	OrgDeleteAt  int64
	OrgCreatedAt int64
}

// organization reads the row; one of a join that found nothing is the zero organization.
func (r organizationRow) organization(tenant lanyard.TenantID) (lanyard.Organization, error) {
	if r.OrgID == "" {
		return lanyard.Organization{}, nil
	}
	o := lanyard.Organization{
		ID: lanyard.OrganizationID(r.OrgID), TenantID: tenant, Slug: r.OrgSlug, Name: r.OrgName, Code: r.OrgCode, Personal: r.OrgPersonal,
		Plan: r.OrgPlan, TrialEnd: timeOf(r.OrgTrialEnd), Seats: r.OrgSeats, Language: r.OrgLanguage, Suspended: r.OrgSuspended,
		DeleteAt: timeOf(r.OrgDeleteAt), CreatedAt: timeOf(r.OrgCreatedAt),
	}
	err := errors.Join(readDocument(r.OrgBranding, &o.Branding), readDocument(r.OrgPolicy, &o.Policy))
	if err != nil {
		return lanyard.Organization{}, fmt.Errorf("reading organization %s: %w", r.OrgID, err)
	}
	return o, nil
}

// readDocument reads a stored JSON object; the empty one costs nothing.
func readDocument(text string, into any) error {
	if text == "" || text == "{}" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

func organizations(rows []organizationRow, tenant lanyard.TenantID) ([]lanyard.Organization, error) {
	out := make([]lanyard.Organization, 0, len(rows))
	for _, row := range rows {
		o, err := row.organization(tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// Organization finds an organization by id, an erased one excepted.
func (s Scope) Organization(ctx context.Context, id lanyard.OrganizationID) (lanyard.Organization, error) {
	return s.organizationBy(ctx, `o.id = ?`, string(id))
}

// OrganizationBySlug finds an organization by its name in URLs, an erased one excepted.
func (s Scope) OrganizationBySlug(ctx context.Context, slug string) (lanyard.Organization, error) {
	return s.organizationBy(ctx, `o.slug = ?`, slug)
}

func (s Scope) organizationBy(ctx context.Context, where, value string) (lanyard.Organization, error) {
	var row organizationRow
	if err := s.find(ctx, &row, `SELECT `+organizationColumns+` FROM organizations o WHERE o.tenant_id = ? AND NOT o.erased AND `+where,
		string(s.tenant), value); err != nil {
		return lanyard.Organization{}, err
	}
	return row.organization(s.tenant)
}

// Organizations lists those of the tenant after an id (empty for the first), by id, at most limit.
func (s Scope) Organizations(ctx context.Context, after lanyard.OrganizationID, limit int) ([]lanyard.Organization, error) {
	var rows []organizationRow
	if err := s.list(ctx, &rows, `SELECT `+organizationColumns+` FROM organizations o WHERE o.tenant_id = ? AND o.id > ? AND NOT o.erased ORDER BY o.id LIMIT ?`,
		string(s.tenant), string(after), limit); err != nil {
		return nil, err
	}
	return organizations(rows, s.tenant)
}

// InsertOrganization adds an organization. A slug or display code that was ever used is lanyard.ErrConflict.
func (s Scope) InsertOrganization(ctx context.Context, o lanyard.Organization) error {
	_, err := s.change(ctx, `INSERT INTO organizations (tenant_id, id, slug, name, code, personal, plan, trial_end, seats, language, branding, policy, suspended, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(o.ID), o.Slug, o.Name, o.Code, o.Personal, o.Plan, maybeMicros(o.TrialEnd), o.Seats, o.Language,
		document(o.Branding), document(o.Policy), o.Suspended, micros(o.CreatedAt))
	return err
}

// UpdateOrganization stores everything of an organization but its id, slug, code and
// deletion. One that is gone is lanyard.ErrConflict.
func (s Scope) UpdateOrganization(ctx context.Context, o lanyard.Organization) error {
	return s.must(ctx, `UPDATE organizations SET name = ?, plan = ?, trial_end = ?, seats = ?, language = ?, branding = ?, policy = ?, suspended = ?
		WHERE tenant_id = ? AND id = ? AND NOT erased`,
		o.Name, o.Plan, maybeMicros(o.TrialEnd), o.Seats, o.Language, document(o.Branding), document(o.Policy), o.Suspended,
		string(s.tenant), string(o.ID))
}

// HoldOrganization locks an open organization until the end of the transaction, so
// that changes of its members come one after another; lanyard.ErrNotFound if it is closed or gone.
func (s Scope) HoldOrganization(ctx context.Context, id lanyard.OrganizationID) (lanyard.Organization, error) {
	var held string
	if err := s.changeReturning(ctx, &held, `UPDATE organizations SET slug = slug
		WHERE tenant_id = ? AND id = ? AND NOT suspended AND delete_at IS NULL AND NOT erased RETURNING id`, string(s.tenant), string(id)); err != nil {
		return lanyard.Organization{}, err
	}
	return s.Organization(ctx, id)
}

// LockOrganization locks an organization as HoldOrganization does, a closed one too;
// lanyard.ErrNotFound if it is gone.
func (s Scope) LockOrganization(ctx context.Context, id lanyard.OrganizationID) (lanyard.Organization, error) {
	var held string
	if err := s.changeReturning(ctx, &held, `UPDATE organizations SET slug = slug WHERE tenant_id = ? AND id = ? AND NOT erased RETURNING id`,
		string(s.tenant), string(id)); err != nil {
		return lanyard.Organization{}, err
	}
	return s.Organization(ctx, id)
}

// ScheduleOrganizationDeletion notes when an organization is to be erased; the zero
// time takes it back. One that is gone is lanyard.ErrConflict.
func (s Scope) ScheduleOrganizationDeletion(ctx context.Context, id lanyard.OrganizationID, at time.Time) error {
	return s.must(ctx, `UPDATE organizations SET delete_at = ? WHERE tenant_id = ? AND id = ? AND NOT erased`,
		maybeMicros(at), string(s.tenant), string(id))
}

// organizationErasures are the rows of an organization, children first. Its own row
// stays, without anything but the slug and the code, so that neither is given away again.
var organizationErasures = []string{
	`UPDATE grants SET revoked_at = created_at, revoke_reason = '` + lanyard.RevokedMembership + `' WHERE tenant_id = ? AND organization_id = ? AND revoked_at IS NULL`,
	`DELETE FROM identities WHERE tenant_id = ? AND connection_id IN (SELECT id FROM connections c WHERE c.tenant_id = identities.tenant_id AND c.organization_id = ?)`,
	`DELETE FROM federation_attempts WHERE tenant_id = ? AND connection_id IN (SELECT id FROM connections c WHERE c.tenant_id = federation_attempts.tenant_id AND c.organization_id = ?)`,
	`DELETE FROM connections WHERE tenant_id = ? AND organization_id = ?`,
	`UPDATE sessions SET ended_at = created_at WHERE tenant_id = ? AND confined_to = ? AND ended_at IS NULL`,
	`DELETE FROM invitation_uses WHERE tenant_id = ? AND invitation_id IN (SELECT id FROM invitations i WHERE i.tenant_id = invitation_uses.tenant_id AND i.organization_id = ?)`,
	`DELETE FROM invitations WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM join_requests WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM organization_logos WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM organization_domains WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM client_roles WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM memberships WHERE tenant_id = ? AND organization_id = ?`,
	`DELETE FROM roles WHERE tenant_id = ? AND organization_id = ?`,
}

// EraseOrganization deletes everything of an organization whose time has come, in the
// caller's transaction. It is lanyard.ErrConflict when the deletion was taken back or
// done by somebody else.
func (s Scope) EraseOrganization(ctx context.Context, id lanyard.OrganizationID, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		if err := tx.must(ctx, `UPDATE organizations SET erased = TRUE, name = '', plan = '', branding = '{}', policy = '{}', trial_end = NULL
			WHERE tenant_id = ? AND id = ? AND delete_at <= ? AND NOT erased`, string(s.tenant), string(id), micros(now)); err != nil {
			return err
		}
		for _, statement := range organizationErasures {
			if _, err := tx.change(ctx, statement, string(s.tenant), string(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DueOrganization is an organization whose deletion is due.
type DueOrganization struct {
	TenantID       lanyard.TenantID
	OrganizationID lanyard.OrganizationID
}

// DueOrganizations lists organizations of all tenants whose deletion is due, at most limit.
func (s *Store) DueOrganizations(ctx context.Context, now time.Time, limit int) ([]DueOrganization, error) {
	var rows []struct{ TenantID, ID string }
	err := s.runner().list(ctx, &rows, `SELECT tenant_id, id FROM organizations WHERE delete_at <= ? AND NOT erased ORDER BY delete_at LIMIT ?`, micros(now), limit)
	out := make([]DueOrganization, 0, len(rows))
	for _, row := range rows {
		out = append(out, DueOrganization{lanyard.TenantID(row.TenantID), lanyard.OrganizationID(row.ID)})
	}
	return out, err
}
