package management

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Domain is a mail domain of an organization.
type Domain struct {
	Name string `json:"name"`
	// RecordName and RecordValue are the TXT record that proves the domain.
	RecordName  string `json:"record_name,omitempty" readOnly:"true"`
	RecordValue string `json:"record_value,omitempty" readOnly:"true"`
	// Joining says what the domain does for people whose proved address is in it.
	Joining    lanyard.Joining `json:"joining,omitempty" enum:"off,request,automatic"`
	VerifiedAt time.Time       `json:"verified_at,omitzero" readOnly:"true"`
	CreatedAt  time.Time       `json:"created_at,omitzero" readOnly:"true"`
}

// NewDomain is a domain that is claimed.
type NewDomain struct {
	Name string `json:"name" required:"true"`
}

// DomainColumns are those of Domains.
var DomainColumns = Columns{Sorts: []string{"name"}}

func domainOf(d lanyard.Domain) Domain {
	return Domain{
		Name: d.Name, RecordName: d.ChallengeName(), RecordValue: organizations.DomainRecord(d), Joining: d.Joining, VerifiedAt: d.VerifiedAt, CreatedAt: d.CreatedAt,
	}
}

// Domains lists the domains of an organization.
func (m *Management) Domains(ctx context.Context, a Administrator, organization string, q Query) (List[Domain], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageDomains)
	if err != nil {
		return List[Domain]{}, err
	}
	all, err := m.Organizations.Domains(ctx, seat)
	if err != nil {
		return List[Domain]{}, err
	}
	return pageOfAll(a, &q, "domains "+string(seat.Organization.ID), DomainColumns, all, few[lanyard.Domain, Domain]{
		key: func(d lanyard.Domain, _ string) string { return d.Name }, id: func(d lanyard.Domain) string { return d.Name },
		words: func(d lanyard.Domain) []string { return []string{d.Name} }, as: domainOf,
	})
}

func domainIn(ctx context.Context, scope storage.Scope, organization lanyard.OrganizationID, name string) (Domain, error) {
	all, err := scope.Domains(ctx, organization)
	if err != nil {
		return Domain{}, err
	}
	i := slices.IndexFunc(all, func(d lanyard.Domain) bool { return strings.EqualFold(d.Name, name) })
	if i < 0 {
		return Domain{}, lanyard.ErrNotFound
	}
	return domainOf(all[i]), nil
}

// Domain is one of the domains of an organization.
func (m *Management) Domain(ctx context.Context, a Administrator, organization, name string) (Domain, error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageDomains)
	if err != nil {
		return Domain{}, err
	}
	return domainIn(ctx, a.Scope(), seat.Organization.ID, name)
}

// AddDomain claims a domain for an organization; it counts for nothing until VerifyDomain.
func (m *Management) AddDomain(ctx context.Context, a Administrator, organization string, n NewDomain) (Domain, error) {
	var out Domain
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		made, err := m.Organizations.AddDomain(ctx, seat, n.Name, a.Now)
		out = domainOf(made)
		return err
	})
	return out, err
}

// VerifyDomain looks the TXT record of a domain up; lanyard.ErrDomainUnproved if it is not there.
func (m *Management) VerifyDomain(ctx context.Context, a Administrator, organization, name string) (Domain, error) {
	seat, err := m.writing(ctx, a, organization)
	if err != nil {
		return Domain{}, err
	}
	if err := m.Organizations.VerifyDomain(ctx, seat, name, a.Now); err != nil {
		return Domain{}, err
	}
	return domainIn(ctx, a.Scope(), seat.Organization.ID, name)
}

// ChangeDomain says what a verified domain does for people whose proved address is in it.
func (m *Management) ChangeDomain(ctx context.Context, a Administrator, organization, name string, change Change[Domain]) (Domain, error) {
	var out Domain
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		if err := mayIn(seat, nil, lanyard.MayManageDomains); err != nil {
			return err
		}
		before, err := domainIn(ctx, tx, seat.Organization.ID, name)
		if err != nil {
			return err
		}
		after, err := change(before)
		if err != nil {
			return err
		}
		if after.Name != before.Name {
			return lanyard.ErrBadInput.Saying("only joining changes")
		}
		if after.Joining != before.Joining {
			if err := m.Organizations.SetJoining(ctx, seat, before.Name, after.Joining, a.Now); err != nil {
				return err
			}
		}
		out, err = domainIn(ctx, tx, seat.Organization.ID, name)
		return err
	})
	return out, err
}

// RemoveDomain gives a domain up. Members who came by it stay.
func (m *Management) RemoveDomain(ctx context.Context, a Administrator, organization, name string, when Condition[Domain]) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		before, err := domainIn(ctx, tx, seat.Organization.ID, name)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		return m.Organizations.RemoveDomain(ctx, seat, before.Name, a.Now)
	})
}
