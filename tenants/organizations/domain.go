package organizations

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	// domainChallenge is what the TXT record says, before the token of the domain.
	domainChallenge = "lanyard-domain="
	// maxDomains bounds the domains of an organization.
	maxDomains = 50
	// lookupTime bounds the search for the TXT record.
	lookupTime = 5 * time.Second
)

// lookupRule is how often an organization has the TXT record of a domain looked up.
var lookupRule = storage.AttemptRule{Free: 30, Delay: 10 * time.Second, Longest: 5 * time.Minute, Memory: time.Hour}

// DomainRecord is the value that the TXT record at the domain's ChallengeName has to hold.
func DomainRecord(d lanyard.Domain) string { return domainChallenge + d.Token }

// canonicalDomain is the form in which domains are compared: lower case, IDNA, with a
// dot. Addresses of computers are none. The grammar is that of mail addresses.
func canonicalDomain(name string) (string, error) {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	address, err := lanyard.CanonicalEmail("x@" + name)
	if err != nil {
		return "", lanyard.ErrBadInput.Saying("the domain is not valid")
	}
	return lanyard.EmailDomain(address), nil
}

// Domains lists the domains of the organization by name.
func (o *Organizations) Domains(ctx context.Context, s Seat) ([]lanyard.Domain, error) {
	if !s.May(lanyard.MayManageDomains) {
		return nil, lanyard.ErrNotAllowed
	}
	return s.Tenancy.Scope.Domains(ctx, s.Organization.ID)
}

// AddDomain claims a domain, which counts for nothing until VerifyDomain. A domain of
// a public mail provider is lanyard.ErrDomainTaken, one that the organization has
// already lanyard.ErrConflict. What other organizations claim is not told.
func (o *Organizations) AddDomain(ctx context.Context, s Seat, name string, now time.Time) (lanyard.Domain, error) {
	name, err := CheckDomain(name)
	if err != nil {
		return lanyard.Domain{}, err
	}
	claim := lanyard.Domain{
		OrganizationID: s.Organization.ID, Name: name, Token: lanyard.NewSecret().Reveal(), Joining: lanyard.JoiningOff, CreatedAt: now,
	}
	err = o.inside(ctx, s, lanyard.MayManageDomains, func(tx storage.Scope, seat Seat) error {
		all, err := tx.Domains(ctx, seat.Organization.ID)
		if err == nil && len(all) >= maxDomains {
			err = lanyard.ErrBadInput.Saying("an organization has up to " + strconv.Itoa(maxDomains) + " domains")
		}
		if err == nil {
			err = tx.InsertDomain(ctx, claim)
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, seat.event(lanyard.EventDomainAdded, now, map[string]string{"domain": name}))
	})
	if err != nil {
		return lanyard.Domain{}, err
	}
	return claim, nil
}

// VerifyDomain looks the TXT record up. One that is not there is
// lanyard.ErrDomainUnproved; a domain that another organization has proved is
// lanyard.ErrDomainTaken, which only somebody who controls it learns.
func (o *Organizations) VerifyDomain(ctx context.Context, s Seat, name string, now time.Time) error {
	if !s.May(lanyard.MayManageDomains) {
		return lanyard.ErrNotAllowed
	}
	claim, err := domainOf(ctx, s.Tenancy.Scope, s, name)
	if err != nil || !claim.VerifiedAt.IsZero() {
		return err
	}
	if err := accounts.Limit(ctx, s.Tenancy.Scope, "domain_lookup", string(s.Organization.ID), lookupRule, now); err != nil {
		return err
	}
	if err := o.prove(ctx, claim); err != nil {
		return err
	}
	return o.inside(ctx, s, lanyard.MayManageDomains, func(tx storage.Scope, seat Seat) error {
		current, err := domainOf(ctx, tx, seat, claim.Name)
		if err != nil {
			return err
		}
		if current.Token != claim.Token { // given up and claimed again meanwhile
			return lanyard.ErrDomainUnproved
		}
		if !current.VerifiedAt.IsZero() {
			return nil
		}
		err = tx.VerifyDomain(ctx, seat.Organization.ID, claim.Name, now)
		if errors.Is(err, lanyard.ErrConflict) {
			err = lanyard.ErrDomainTaken
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, seat.event(lanyard.EventDomainVerified, now, map[string]string{"domain": claim.Name}))
	})
}

// prove looks for the TXT record of a claim.
func (o *Organizations) prove(ctx context.Context, claim lanyard.Domain) error {
	looking, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	records, err := o.Resolver.LookupTXT(looking, claim.ChallengeName())
	if ctx.Err() != nil {
		return fmt.Errorf("look up the TXT record of a domain: %w", context.Cause(ctx))
	}
	if missing, isDNS := errors.AsType[*net.DNSError](err); err != nil && (!isDNS || !missing.IsNotFound) {
		return lanyard.ErrDomainUnproved.Saying("the name servers of the domain did not answer")
	}
	if !slices.ContainsFunc(records, func(r string) bool { return strings.TrimSpace(r) == DomainRecord(claim) }) {
		return lanyard.ErrDomainUnproved
	}
	return nil
}

// domainOf finds a domain of the organization; lanyard.ErrNotFound if it has none of the name.
func domainOf(ctx context.Context, scope storage.Scope, s Seat, name string) (lanyard.Domain, error) {
	key, err := canonicalDomain(name)
	if err != nil {
		return lanyard.Domain{}, lanyard.ErrNotFound
	}
	all, err := scope.Domains(ctx, s.Organization.ID)
	if err != nil {
		return lanyard.Domain{}, err
	}
	i := slices.IndexFunc(all, func(d lanyard.Domain) bool { return d.Name == key })
	if i < 0 {
		return lanyard.Domain{}, lanyard.ErrNotFound
	}
	return all[i], nil
}

// SetJoining says what a verified domain does for people whose proved address is in
// it. One that was not verified is lanyard.ErrDomainUnproved.
func (o *Organizations) SetJoining(ctx context.Context, s Seat, name string, joining lanyard.Joining, now time.Time) error {
	if !slices.Contains([]lanyard.Joining{lanyard.JoiningOff, lanyard.JoiningRequest, lanyard.JoiningAutomatic}, joining) {
		return lanyard.ErrBadInput.Saying("a domain is off, for requests or automatic")
	}
	return o.inside(ctx, s, lanyard.MayManageDomains, func(tx storage.Scope, seat Seat) error {
		d, err := domainOf(ctx, tx, seat, name)
		if err == nil && d.VerifiedAt.IsZero() {
			err = lanyard.ErrDomainUnproved
		}
		if err != nil || d.Joining == joining {
			return err
		}
		if err := tx.SetJoining(ctx, seat.Organization.ID, d.Name, joining); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, seat.event(lanyard.EventDomainUpdated, now, map[string]string{
			"domain": d.Name, "joining_before": string(d.Joining), "joining_after": string(joining),
		}))
	})
}

// RemoveDomain gives a domain up. Members who came by it stay.
func (o *Organizations) RemoveDomain(ctx context.Context, s Seat, name string, now time.Time) error {
	return o.inside(ctx, s, lanyard.MayManageDomains, func(tx storage.Scope, seat Seat) error {
		d, err := domainOf(ctx, tx, seat, name)
		if err == nil {
			err = tx.DeleteDomain(ctx, seat.Organization.ID, d.Name)
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, seat.event(lanyard.EventDomainRemoved, now, map[string]string{"domain": d.Name}))
	})
}
