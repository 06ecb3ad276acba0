package organizations_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// claimed claims a domain and publishes its record.
func (h *town) claimed(s organizations.Seat, name string) lanyard.Domain {
	h.Helper()
	d, err := h.AddDomain(h.Context(), s, name, h.now)
	h.must(err)
	h.txt[d.ChallengeName()] = append(h.txt[d.ChallengeName()], organizations.DomainRecord(d))
	return d
}

// proved is a verified domain that lets people in.
func (h *town) proved(s organizations.Seat, name string, joining lanyard.Joining) {
	h.Helper()
	h.claimed(s, name)
	h.must(h.VerifyDomain(h.Context(), s, name, h.now))
	h.must(h.SetJoining(h.Context(), s, name, joining, h.now))
}

// ATTACKS K 215: what is no domain of an organization is refused.
func TestDomainsAreNamesThatAnOrganizationCanHave(t *testing.T) {
	inTown(t, func(h *town) {
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		for _, c := range []struct {
			name, want string
			err        error
		}{
			{"Example.TEST", "example.test", nil}, {" dot.example.test. ", "dot.example.test", nil}, {"bücher.example", "xn--bcher-kva.example", nil},
			{"gmail.com", "", lanyard.ErrDomainTaken}, {"GMail.com.", "", lanyard.ErrDomainTaken}, {"web.de", "", lanyard.ErrDomainTaken}, {"mailinator.com", "", lanyard.ErrDomainTaken},
			{"localhost", "", lanyard.ErrBadInput}, {"com", "", lanyard.ErrBadInput}, {"", "", lanyard.ErrBadInput}, {".", "", lanyard.ErrBadInput}, {".test", "", lanyard.ErrBadInput},
			{"192.0.2.1", "", lanyard.ErrBadInput}, {"[2001:db8::1]", "", lanyard.ErrBadInput}, {"2001:db8::1", "", lanyard.ErrBadInput}, {"x.0x7f", "x.0x7f", nil},
			{"https://example.test", "", lanyard.ErrBadInput}, {"a@b.test", "", lanyard.ErrBadInput}, {"exam ple.test", "", lanyard.ErrBadInput}, {"*.example.test", "", lanyard.ErrBadInput},
			{"_x.example.test", "", lanyard.ErrBadInput}, {"example..test", "", lanyard.ErrBadInput}, {"a\x00.test", "", lanyard.ErrBadInput}, {strings.Repeat("a", 64) + ".test", "", lanyard.ErrBadInput},
			{strings.Repeat("a.", 130) + "test", "", lanyard.ErrBadInput}, {"-a.test", "", lanyard.ErrBadInput}, {"example.test", "", lanyard.ErrConflict},
		} {
			got, err := h.AddDomain(h.Context(), olga, c.name, h.now)
			h.wants(c.name, err, c.err)
			if got.Name != c.want {
				t.Errorf("%q is %q", c.name, got.Name)
			}
		}
		all, err := h.Domains(h.Context(), olga)
		h.must(err)
		if len(all) != 4 || !all[0].VerifiedAt.IsZero() || all[0].Joining != lanyard.JoiningOff || len(all[0].Token) < 32 {
			t.Errorf("the domains are %+v", all)
		}
		for i := range 46 {
			_, err := h.AddDomain(h.Context(), olga, strconv.Itoa(i)+".example.test", h.now)
			h.must(err)
		}
		_, err = h.AddDomain(h.Context(), olga, "more.example.test", h.now)
		h.wants("one more than fifty", err, lanyard.ErrBadInput)
	})
}

func TestDomainIsProvedByItsRecord(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		d, err := h.AddDomain(h.Context(), olga, "example.test", h.now)
		h.must(err)
		verify := func() error { return h.VerifyDomain(h.Context(), olga, "Example.test", h.now) }
		h.wants("no record", verify(), lanyard.ErrDomainUnproved)
		for _, wrong := range [][]string{
			{}, {""}, {d.Token}, {"lanyard-domain="}, {organizations.DomainRecord(d) + "x"}, {"x" + organizations.DomainRecord(d)},
			{strings.ToUpper(organizations.DomainRecord(d))}, {"lanyard-domain=" + d.Token[:20], d.Token[20:]},
		} {
			h.txt["_lanyard.example.test"] = wrong
			h.wants(strings.Join(wrong, "|"), verify(), lanyard.ErrDomainUnproved)
		}
		h.wants("joining before", h.SetJoining(h.Context(), olga, "example.test", lanyard.JoiningAutomatic, h.now), lanyard.ErrDomainUnproved)
		h.txt["example.test"], h.txt["_lanyard.example.test"] = []string{organizations.DomainRecord(d)}, nil
		h.wants("the record at another place", verify(), lanyard.ErrDomainUnproved)
		h.txt["_lanyard.example.test"] = []string{"v=spf1 -all", " " + organizations.DomainRecord(d) + " "}
		h.must(verify())
		delete(h.txt, "_lanyard.example.test")
		h.must(verify()) // it is verified, so nothing is asked
		all, err := h.Domains(h.Context(), olga)
		h.must(err)
		if !all[0].VerifiedAt.Equal(h.now) || len(h.events(lanyard.EventDomainVerified, acme.ID)) != 1 {
			t.Errorf("the domains are %+v", all)
		}
		h.must(h.SetJoining(h.Context(), olga, "example.test", lanyard.JoiningAutomatic, h.now))
		h.wants("an unknown word", h.SetJoining(h.Context(), olga, "example.test", "open", h.now), lanyard.ErrBadInput)
		facts := h.events(lanyard.EventDomainUpdated, acme.ID)
		if len(facts) != 1 || facts[0].Detail["joining_before"] != "off" || facts[0].Detail["joining_after"] != "automatic" {
			t.Errorf("the facts are %+v", facts)
		}
	})
}

// What was given up has to be proved again, with another token.
func TestClaimThatWasGivenUpIsGone(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other := h.organization("acme"), h.organization("other")
		olga, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("paul", other, lanyard.RoleOwner)
		h.proved(olga, "example.test", lanyard.JoiningAutomatic)
		for what, err := range map[string]error{
			"verified":   h.VerifyDomain(h.Context(), paul, "example.test", h.now),
			"joining":    h.SetJoining(h.Context(), paul, "example.test", lanyard.JoiningOff, h.now),
			"removed":    h.RemoveDomain(h.Context(), paul, "example.test", h.now),
			"no name":    h.RemoveDomain(h.Context(), olga, "\x00", h.now),
			"not theirs": h.RemoveDomain(h.Context(), olga, "other.test", h.now),
		} {
			h.wants(what+" by another organization", err, lanyard.ErrNotFound)
		}
		h.must(h.RemoveDomain(h.Context(), olga, "Example.test", h.now))
		if _, err := h.AddDomain(h.Context(), olga, "example.test", h.now); err != nil {
			t.Fatal(err)
		}
		h.wants("by the record of before", h.VerifyDomain(h.Context(), olga, "example.test", h.now), lanyard.ErrDomainUnproved)
	})
}

// ATTACKS K 215: two organizations that both control the record; one gets the domain.
func TestDomainIsOfOneOrganization(t *testing.T) {
	inTown(t, func(h *town) {
		var seats []organizations.Seat
		for i := range 8 {
			seats = append(seats, h.seated("owner"+strconv.Itoa(i), h.organization("org-"+strconv.Itoa(i)), lanyard.RoleOwner))
		}
		for round := range testkit.Rounds(5, 45) {
			name := "d" + strconv.Itoa(round) + ".test"
			for _, s := range seats {
				h.claimed(s, name)
			}
			h.race(func(i int) error { return h.VerifyDomain(h.Context(), seats[i%len(seats)], name, h.now) }, lanyard.ErrDomainTaken)
			owners := 0
			for _, s := range seats {
				all, err := h.Domains(h.Context(), s)
				h.must(err)
				if slices.ContainsFunc(all, func(d lanyard.Domain) bool { return d.Name == name && !d.VerifiedAt.IsZero() }) {
					owners++
				}
			}
			if owners != 1 {
				t.Fatalf("%d organizations have the domain", owners)
			}
			h.now = h.now.Add(2 * time.Hour) // lookups are counted
		}
	})
}

func TestLookupsAreCounted(t *testing.T) {
	inTown(t, func(h *town) {
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		_, err := h.AddDomain(h.Context(), olga, "example.test", h.now)
		h.must(err)
		for range 30 {
			h.wants("looked up", h.VerifyDomain(h.Context(), olga, "example.test", h.now), lanyard.ErrDomainUnproved)
		}
		h.wants("too often", h.VerifyDomain(h.Context(), olga, "example.test", h.now), lanyard.ErrThrottled)
		h.wants("of no claim", h.VerifyDomain(h.Context(), olga, "other.test", h.now), lanyard.ErrNotFound)
	})
}

// resolving is a resolver during whose answer something happens.
type resolving func(name string) []string

func (r resolving) LookupTXT(_ context.Context, name string) ([]string, error) { return r(name), nil }

// A claim that was made anew while the record was looked up is another one.
func TestRecordOfAnotherClaimProvesNothing(t *testing.T) {
	inTown(t, func(h *town) {
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		d := h.claimed(olga, "example.test")
		h.Resolver = resolving(func(string) []string {
			h.must(h.RemoveDomain(h.Context(), olga, d.Name, h.now))
			_, err := h.AddDomain(h.Context(), olga, d.Name, h.now)
			h.must(err)
			return []string{organizations.DomainRecord(d)}
		})
		h.wants("by the record of before", h.VerifyDomain(h.Context(), olga, d.Name, h.now), lanyard.ErrDomainUnproved)
		all, err := h.Domains(h.Context(), olga)
		h.must(err)
		if len(all) != 1 || !all[0].VerifiedAt.IsZero() {
			t.Errorf("the domains are %+v", all)
		}
	})
}
