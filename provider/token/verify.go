package token

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants"
)

// Verified is a token of ours that counts at this moment.
type Verified struct {
	ClientID lanyard.ClientID
	Subject  string
	Scopes   lanyard.Scopes
	Audience []string
	IssuedAt time.Time
	// ExpiresAt is the end of the token itself; the grant behind it may end sooner.
	ExpiresAt time.Time
	JTI       string
	// Standing is the grant behind the token; nil for a machine's.
	Standing *lanyard.Standing
	// Joined is the place of the token's user or machine in its organization, as it is now; zero without one.
	Joined lanyard.Joined
	// Refresh says that it is a refresh token.
	Refresh bool
	// opaque is the hash of an opaque access token.
	opaque []byte
}

// Access verifies an access token in either form with one statement. Everything
// that does not count is lanyard.ErrInvalidToken.
func (i *Issuer) Access(ctx context.Context, live *tenants.Live, token string) (Verified, error) {
	v, err := i.readAccess(ctx, live, token)
	if errors.Is(err, lanyard.ErrNotFound) {
		return Verified{}, lanyard.ErrInvalidToken
	}
	if err != nil {
		return Verified{}, err
	}
	return v, i.counts(ctx, live, v)
}

func (i *Issuer) readAccess(ctx context.Context, live *tenants.Live, token string) (Verified, error) {
	if strings.HasPrefix(token, opaquePrefix) {
		return readOpaque(ctx, live, token)
	}
	return readJWT(ctx, live, token)
}

// counts decides whether what was read holds at this moment.
func (i *Issuer) counts(ctx context.Context, live *tenants.Live, v Verified) error {
	now := i.Clock.Now()
	if !now.Before(v.ExpiresAt) {
		return lanyard.ErrInvalidToken
	}
	if v.Standing != nil && (!v.Standing.Live(now) || v.Standing.Grant.ClientID != v.ClientID) {
		return lanyard.ErrInvalidToken
	}
	client, err := live.Client(ctx, v.ClientID)
	if errors.Is(err, lanyard.ErrUnknownClient) {
		return lanyard.ErrInvalidToken
	}
	if err == nil && (client.Disabled || v.IssuedAt.Add(time.Second).Before(client.CreatedAt)) { // one of that name was there before
		return lanyard.ErrInvalidToken
	}
	return err
}

func readOpaque(ctx context.Context, live *tenants.Live, token string) (Verified, error) {
	found, err := live.Scope.AccessToken(ctx, lanyard.SecretOf(token).Hash())
	if err != nil {
		return Verified{}, err
	}
	t := found.Token
	if !t.RevokedAt.IsZero() {
		return Verified{}, lanyard.ErrInvalidToken
	}
	v := Verified{
		ClientID: t.ClientID, Subject: t.Subject, Scopes: t.Scopes, Audience: t.Audience, IssuedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		Standing: found.Standing, opaque: t.Hash,
	}
	if found.Standing != nil {
		v.Subject, v.Joined = found.Standing.User.Subject, found.Standing.Joined
		return v, nil
	}
	v.Joined, err = machineStill(ctx, live, t.ClientID, t.OrganizationID)
	return v, err
}

// parseJWT checks the signature and the issuer of an access token of ours.
func parseJWT(live *tenants.Live, token string) (accessClaims, error) {
	var claims accessClaims
	payload, err := live.Ring.VerifyOwn(token, keys.TypeAccessToken)
	if err != nil {
		return claims, err
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != live.Issuer {
		return claims, lanyard.ErrInvalidToken
	}
	return claims, nil
}

func readJWT(ctx context.Context, live *tenants.Live, token string) (Verified, error) {
	claims, err := parseJWT(live, token)
	if err != nil {
		return Verified{}, err
	}
	scopes, err := lanyard.ParseScopes(claims.Scope)
	grant, ours := grantOfJTI(claims.JTI)
	if err != nil || !ours {
		return Verified{}, lanyard.ErrInvalidToken
	}
	v := Verified{
		ClientID: lanyard.ClientID(claims.ClientID), Subject: claims.Subject, Scopes: scopes, Audience: claims.Audience,
		IssuedAt: time.Unix(claims.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(claims.Expires, 0).UTC(), JTI: claims.JTI,
	}
	if grant == "" {
		revoked, err := live.Scope.JWTRevoked(ctx, jtiHash(claims.JTI))
		if err == nil && revoked {
			err = lanyard.ErrInvalidToken
		}
		if err == nil {
			v.Joined, err = machineStill(ctx, live, v.ClientID, claims.ID)
		}
		return v, err
	}
	standing, err := live.Scope.JWTStanding(ctx, grant, jtiHash(claims.JTI))
	v.Standing, v.Joined = &standing, standing.Joined
	return v, err
}

// machineStill finds the place that a machine has in its organization now; without
// one its token does not count any more.
func machineStill(ctx context.Context, live *tenants.Live, client lanyard.ClientID, organization lanyard.OrganizationID) (lanyard.Joined, error) {
	if organization == "" {
		return lanyard.Joined{}, nil
	}
	return live.Scope.MachineRoles(ctx, client, string(organization))
}

// Permissions are those of the token's resources in its organization, as they are now.
func (v Verified) Permissions(live *tenants.Live) []string {
	var at []*lanyard.Resource
	for _, indicator := range v.Audience {
		if r, err := live.Resource(indicator); err == nil {
			at = append(at, r)
		}
	}
	return v.Joined.Powers(live.Roles).At(at...)
}

// Organization is what is told of the token's organization and roles.
func (v Verified) Organization() lanyard.OrganizationClaims {
	var tenantRoles []string
	if v.Standing != nil {
		tenantRoles = v.Standing.TenantRoles
	}
	return v.Joined.Claims(tenantRoles, v.Scopes)
}

// Introspect tells an authenticated caller about a token (RFC 7662 §2.2): about an
// access token only its own client or a resource of its audience is told, about a
// refresh token only its client. Everything else is lanyard.ErrInvalidToken. A
// resource asks as the client whose id is the resource's identifier.
func (i *Issuer) Introspect(ctx context.Context, live *tenants.Live, caller lanyard.ClientID, token string) (Verified, error) {
	if strings.HasPrefix(token, refreshPrefix) {
		return i.introspectRefresh(ctx, live, caller, token)
	}
	v, err := i.Access(ctx, live, token)
	if err != nil {
		return Verified{}, err
	}
	if v.ClientID != caller && !slices.Contains(v.Audience, string(caller)) {
		return Verified{}, lanyard.ErrInvalidToken
	}
	return v, nil
}

func (i *Issuer) introspectRefresh(ctx context.Context, live *tenants.Live, caller lanyard.ClientID, token string) (Verified, error) {
	s, err := familyOf(ctx, live, token)
	if err != nil {
		return Verified{}, err
	}
	family, now := s.Grant.Refresh, i.Clock.Now()
	active := s.Live(now) && now.Before(family.IdleUntil) && lanyard.SecretOf(token).Matches(family.Current)
	if s.Grant.ClientID != caller || !active {
		return Verified{}, lanyard.ErrInvalidToken
	}
	return Verified{
		ClientID: s.Grant.ClientID, Subject: s.User.Subject, Scopes: s.Grant.Scopes, IssuedAt: s.Grant.CreatedAt,
		ExpiresAt: earlier(family.IdleUntil, s.Joined.Organization.Policy.End(s.Grant)), Standing: &s, Joined: s.Joined, Refresh: true,
	}, nil
}

// familyOf finds the grant of a refresh token; one that is not ours is lanyard.ErrInvalidToken.
func familyOf(ctx context.Context, live *tenants.Live, token string) (lanyard.Standing, error) {
	presented, ours := parseRefresh(live.Ring, token)
	if !ours {
		return lanyard.Standing{}, lanyard.ErrInvalidToken
	}
	s, err := live.Scope.Standing(ctx, presented.grantID())
	if errors.Is(err, lanyard.ErrNotFound) || (err == nil && s.Grant.Refresh == nil) {
		return lanyard.Standing{}, lanyard.ErrInvalidToken
	}
	return s, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
