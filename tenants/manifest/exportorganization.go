package manifest

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// organizations exports those that are not about to be erased.
func (x *exporter) organizations(ctx context.Context, out *Tenant) error {
	x.slugs = map[lanyard.OrganizationID]string{}
	for after := lanyard.OrganizationID(""); ; {
		page, err := x.scope.Organizations(ctx, after, exportPage)
		if err != nil {
			return err
		}
		for _, o := range page {
			after = o.ID
			if !o.DeleteAt.IsZero() {
				continue
			}
			x.slugs[o.ID] = o.Slug
			entry, err := x.organization(ctx, o)
			if err != nil {
				return err
			}
			out.Organizations = append(out.Organizations, entry)
		}
		if len(page) < exportPage {
			break
		}
	}
	slices.SortFunc(out.Organizations, func(a, b Organization) int { return strings.Compare(a.Slug, b.Slug) })
	return nil
}

func (x *exporter) organization(ctx context.Context, o lanyard.Organization) (Organization, error) {
	out := Organization{ID: o.ID, Slug: o.Slug, Name: o.Name, Code: o.Code, Personal: o.Personal, Branding: &o.Branding, Policy: &o.Policy}
	if o.Plan != "" {
		out.Plan = &o.Plan
	}
	if !o.TrialEnd.IsZero() {
		out.TrialEnd = &Moment{o.TrialEnd}
	}
	if o.Seats != 0 {
		out.Seats = &o.Seats
	}
	if o.Language != "" {
		out.Language = &o.Language
	}
	if o.Suspended {
		out.Suspended = &o.Suspended
	}
	for _, part := range []func(context.Context, *Organization) error{x.members, x.organizationParts, x.domains, x.logos} {
		if err := part(ctx, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (x *exporter) members(ctx context.Context, out *Organization) error {
	all, err := x.scope.Memberships(ctx, out.ID)
	for _, m := range all {
		out.Members = append(out.Members, Member{User: x.subjects[m.UserID], Roles: m.Roles})
	}
	slices.SortFunc(out.Members, func(a, b Member) int { return strings.Compare(a.User, b.User) })
	return err
}

func (x *exporter) organizationParts(ctx context.Context, out *Organization) error {
	var err error
	if out.Roles, err = x.rolesOf(ctx, out.ID); err != nil {
		return err
	}
	if out.Invitations, err = x.invitations(ctx, out.ID); err != nil {
		return err
	}
	connections, err := x.scope.OrganizationConnections(ctx, out.ID)
	if err != nil {
		return err
	}
	out.Connections, err = x.connectionEntries(connections)
	return err
}

func (x *exporter) domains(ctx context.Context, out *Organization) error {
	all, err := x.scope.Domains(ctx, out.ID)
	for _, d := range all {
		out.Domains = append(out.Domains, Domain{Domain: d.Name, Verified: !d.VerifiedAt.IsZero(), Joining: d.Joining, Token: d.Token})
	}
	slices.SortFunc(out.Domains, func(a, b Domain) int { return strings.Compare(a.Domain, b.Domain) })
	return err
}

// logos exports the files that the organization brought.
func (x *exporter) logos(ctx context.Context, out *Organization) error {
	for _, logo := range []struct {
		dark bool
		into *string
	}{{false, &out.Logo}, {true, &out.LogoDark}} {
		content, err := x.scope.ExportLogo(ctx, out.ID, logo.dark)
		if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
			return err
		}
		if err == nil {
			*logo.into = base64.StdEncoding.EncodeToString(content)
		}
	}
	return nil
}
