package manifest

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Keep says where a secret of an exported file will be found: it stores the value, if it
// wants to, and gives the reference. The name is of capital letters, digits and _, and
// the same for the same secret in every database.
type Keep func(name string, value lanyard.Secret) (Secret, error)

// ByEnvironment refers to an environment variable of that name and keeps nothing.
func ByEnvironment(name string, _ lanyard.Secret) (Secret, error) {
	return Secret{Env: name}, nil
}

// Export is the whole tenant as a file says it: every setting, everything that was
// registered, and people with the hashes of their passwords; not what they enrolled
// besides (authenticator apps, passkeys, recovery codes), sessions, grants and events.
// Applied to an empty database it gives the same tenant. Secrets stand there by
// reference; hashes stand in line. Lists are in the order of their natural keys.
func Export(ctx context.Context, scope storage.Scope, sealer lanyard.Sealer, keep Keep, now time.Time) (Tenant, error) {
	x := &exporter{scope: scope, sealer: sealer, keep: keep, now: now}
	var out Tenant
	err := scope.InTx(ctx, func(tx storage.Scope) error { // one moment
		x.scope = tx
		var err error
		out, err = x.tenant(ctx)
		return err
	})
	return out, err
}

type exporter struct {
	scope  storage.Scope
	sealer lanyard.Sealer
	keep   Keep
	now    time.Time
	// named counts the references of each name.
	named map[string]int
	// subjects and slugs are how a file names users and organizations.
	subjects map[lanyard.UserID]string
	slugs    map[lanyard.OrganizationID]string
}

func (x *exporter) tenant(ctx context.Context) (Tenant, error) {
	t, err := x.scope.Tenant(ctx)
	if err != nil {
		return Tenant{}, err
	}
	out := Tenant{
		Slug: t.Slug, Name: t.Name, Host: t.Host, RedirectHosts: t.RedirectHosts, Policy: &t.Policy, Branding: &t.Branding, Mail: &t.Mail,
	}
	if t.Suspended {
		out.Suspended = &t.Suspended
	}
	for _, part := range []func(context.Context, *Tenant) error{
		x.users, x.organizations, x.resources, x.roles, x.clients, x.connections, x.trustedIssuers, x.platform, x.webhooks,
	} {
		if err := part(ctx, &out); err != nil {
			return Tenant{}, err
		}
	}
	return out, nil
}

// exportPage is how many users, or organizations, are read at a time.
const exportPage = 500

func (x *exporter) users(ctx context.Context, out *Tenant) error {
	x.subjects = map[lanyard.UserID]string{}
	identities, err := x.scope.ExportIdentities(ctx)
	if err != nil {
		return err
	}
	for after := ""; ; {
		page, err := x.scope.ExportUsers(ctx, after, exportPage)
		if err != nil {
			return err
		}
		for _, u := range page {
			x.subjects[u.ID] = u.Subject
			out.Users = append(out.Users, userEntry(u, identities[u.ID]))
			after = u.Subject
		}
		if len(page) < exportPage {
			break
		}
	}
	slices.SortFunc(out.Users, func(a, b User) int { return strings.Compare(a.Subject, b.Subject) })
	return nil
}

func userEntry(u storage.ExportedUser, identities []lanyard.LinkedIdentity) User {
	out := User{
		Subject: u.Subject, Username: u.Username, Profile: u.Profile, Roles: u.Roles, MustChangePassword: u.MustChange, PasswordShort: u.Short,
		PasswordHash: Hash{lanyard.SecretOf(u.PasswordHash)},
	}
	out.Profile.EmailVerified, out.Profile.PhoneNumberVerified = false, false
	for _, flag := range []struct {
		set bool
		at  **bool
	}{{u.Profile.EmailVerified, &out.EmailVerified}, {u.Profile.PhoneNumberVerified, &out.PhoneNumberVerified}, {u.Disabled, &out.Disabled}} {
		if flag.set {
			yes := true
			*flag.at = &yes
		}
	}
	if !u.UpdatedAt.IsZero() {
		seconds := u.UpdatedAt.Unix()
		out.UpdatedAt = &seconds
	}
	slices.Sort(out.Roles)
	for _, e := range u.Others {
		out.Emails = append(out.Emails, Email{Address: e.Address, Verified: e.Verified})
	}
	slices.SortFunc(out.Emails, func(a, b Email) int { return strings.Compare(a.Address, b.Address) })
	for _, i := range identities {
		out.Identities = append(out.Identities, Identity{Identity: i.Identity, Label: i.Label})
	}
	slices.SortFunc(out.Identities, func(a, b Identity) int {
		return cmp.Or(cmp.Compare(a.ConnectionID, b.ConnectionID), cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}

func (x *exporter) resources(ctx context.Context, out *Tenant) error {
	all, err := x.scope.Resources(ctx)
	for _, r := range all {
		entry := Resource{Resource: r}
		for _, s := range r.Scopes {
			entry.Scopes = append(entry.Scopes, Scope(s))
		}
		for _, p := range r.Permissions {
			entry.Permissions = append(entry.Permissions, Scope(p))
		}
		out.Resources = append(out.Resources, entry)
	}
	slices.SortFunc(out.Resources, func(a, b Resource) int { return strings.Compare(a.Identifier, b.Identifier) })
	return err
}

func (x *exporter) roles(ctx context.Context, out *Tenant) error {
	var err error
	out.Roles, err = x.rolesOf(ctx, "")
	return err
}

func (x *exporter) rolesOf(ctx context.Context, organization lanyard.OrganizationID) ([]Role, error) {
	all, err := x.scope.Roles(ctx, organization)
	var out []Role
	for _, r := range all {
		out = append(out, Role{Name: r.Name, Permissions: r.Permissions})
	}
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

func (x *exporter) clients(ctx context.Context, out *Tenant) error {
	all, err := x.scope.Clients(ctx)
	if err != nil {
		return err
	}
	places, err := x.scope.ExportPlaces(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ID == lanyard.ConsoleClient {
			continue
		}
		whole, err := x.scope.Client(ctx, c.ID)
		if err != nil {
			return err
		}
		entry := Client{Client: *whole, RequirePKCE: &whole.RequirePKCE}
		for _, s := range whole.Secrets {
			if s.ExpiresAt.IsZero() || x.now.Before(s.ExpiresAt) {
				entry.SecretHashes = append(entry.SecretHashes, SecretHash{
					Hash: base64.RawURLEncoding.EncodeToString(s.Hash), ExpiresAt: Moment{s.ExpiresAt},
				})
			}
		}
		slices.SortFunc(entry.SecretHashes, func(a, b SecretHash) int { return strings.Compare(a.Hash, b.Hash) })
		for _, p := range places {
			if p.ClientID == c.ID {
				entry.Organizations = append(entry.Organizations, Place{Organization: p.Organization, Roles: p.Roles})
			}
		}
		slices.SortFunc(entry.Organizations, func(a, b Place) int { return strings.Compare(a.Organization, b.Organization) })
		out.Clients = append(out.Clients, entry)
	}
	slices.SortFunc(out.Clients, func(a, b Client) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

func (x *exporter) connections(ctx context.Context, out *Tenant) error {
	all, err := x.scope.TenantConnections(ctx)
	if err != nil {
		return err
	}
	out.Connections, err = x.connectionEntries(all)
	return err
}

func (x *exporter) connectionEntries(all []lanyard.Connection) ([]Connection, error) {
	var out []Connection
	slices.SortFunc(all, func(a, b lanyard.Connection) int { return cmp.Compare(a.ID, b.ID) }) // names of secrets are given in this order
	for _, c := range all {
		entry := Connection{Connection: c, Enabled: &c.Enabled, SignIn: &c.SignIn, SignUp: &c.SignUp, Linking: &c.Linking, Tested: c.TestedAs == c.Fingerprint()}
		entry.OrganizationID = ""
		kind, into := "CLIENT_SECRET", &entry.Secret
		if c.Auth == lanyard.UpstreamJWT {
			kind, into = "PRIVATE_KEY", &entry.PrivateKey
		}
		if err := x.reveal(into, "CONNECTION", string(c.ID), kind, c.SecretPlace(), c.SealedSecret); err != nil {
			return nil, err
		}
		if err := x.reveal(&entry.BotToken, "CONNECTION", string(c.ID), "BOT_TOKEN", c.BotTokenPlace(), c.SealedBotToken); err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

// reveal opens a secret and refers to it.
func (x *exporter) reveal(into *Secret, noun, id, what string, place lanyard.Place, sealed []byte) error {
	if len(sealed) == 0 {
		return nil
	}
	plain, err := x.sealer.Open(place, sealed)
	if err != nil {
		return err
	}
	name := noun + "_" + referenceName(id) + "_" + what
	if x.named == nil {
		x.named = map[string]int{}
	}
	if x.named[name]++; x.named[name] > 1 { // a-b and a_b are two
		name += fmt.Sprintf("_%d", x.named[name])
	}
	*into, err = x.keep(name, lanyard.SecretOf(string(plain)))
	return err
}

var noVariable = regexp.MustCompile(`[^A-Z0-9]+`)

// referenceName is an id as a part of the name of an environment variable.
func referenceName(id string) string { return noVariable.ReplaceAllString(strings.ToUpper(id), "_") }

func (x *exporter) trustedIssuers(ctx context.Context, out *Tenant) error {
	all, err := x.scope.TrustedIssuers(ctx)
	for _, t := range all {
		entry := TrustedIssuer{TrustedIssuer: t, Owner: x.slugs[t.Owner]}
		entry.TrustedIssuer.Owner = ""
		out.TrustedIssuers = append(out.TrustedIssuers, entry)
	}
	slices.SortFunc(out.TrustedIssuers, func(a, b TrustedIssuer) int { return strings.Compare(a.Issuer, b.Issuer) })
	return err
}

func (x *exporter) platform(ctx context.Context, out *Tenant) error {
	var err error
	out.Invitations, err = x.invitations(ctx, "")
	return err
}

// invitations are those that can still be used, by the hash of their code.
func (x *exporter) invitations(ctx context.Context, organization lanyard.OrganizationID) ([]Invitation, error) {
	var out []Invitation
	for before := lanyard.InvitationID(""); ; {
		page, err := x.scope.Invitations(ctx, organization, before, exportPage)
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			before = i.ID
			if !i.Live(x.now) {
				continue
			}
			out = append(out, Invitation{
				Email: i.Email, Domain: i.Domain, CodeHash: base64.RawURLEncoding.EncodeToString(i.CodeHash), Roles: i.Roles, Uses: i.MaxUses - i.Uses,
				ExpiresAt: Moment{i.ExpiresAt}, ClientID: i.ClientID, Plan: i.Plan, TrialDays: i.TrialDays, Inviter: x.subjects[i.InviterID],
			})
		}
		if len(page) < exportPage {
			break
		}
	}
	slices.SortFunc(out, func(a, b Invitation) int { return strings.Compare(a.CodeHash, b.CodeHash) })
	return out, nil
}
