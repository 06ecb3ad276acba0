package management

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// TrustedIssuer is an issuer outside the tenant whose signatures count.
type TrustedIssuer struct {
	// ID stands for the issuer in paths.
	ID string `json:"id" readOnly:"true"`
	lanyard.TrustedIssuer
}

// TrustedIssuerColumns are those of TrustedIssuers.
var TrustedIssuerColumns = Columns{Sorts: []string{"issuer"}}

func trustedIssuerOf(t lanyard.TrustedIssuer) TrustedIssuer {
	sum := sha256.Sum256([]byte(t.Issuer))
	return TrustedIssuer{ID: "iss_" + base64.RawURLEncoding.EncodeToString(sum[:15]), TrustedIssuer: t}
}

// TrustedIssuers lists them. The search is part of the issuer.
func (m *Management) TrustedIssuers(ctx context.Context, a Administrator, q Query) (List[TrustedIssuer], error) {
	if err := a.Need(lanyard.MayReadTrust); err != nil {
		return List[TrustedIssuer]{}, err
	}
	all, err := a.Scope().TrustedIssuers(ctx)
	if err != nil {
		return List[TrustedIssuer]{}, err
	}
	return pageOfAll(a, &q, "trusted issuers", TrustedIssuerColumns, all, few[lanyard.TrustedIssuer, TrustedIssuer]{
		key:   func(t lanyard.TrustedIssuer, _ string) string { return t.Issuer },
		id:    func(t lanyard.TrustedIssuer) string { return t.Issuer },
		words: func(t lanyard.TrustedIssuer) []string { return []string{t.Issuer} },
		as:    trustedIssuerOf,
	})
}

// TrustedIssuer is one of them.
func (m *Management) TrustedIssuer(ctx context.Context, a Administrator, id string) (TrustedIssuer, error) {
	if err := a.Need(lanyard.MayReadTrust); err != nil {
		return TrustedIssuer{}, err
	}
	return trustedIssuerIn(ctx, a.Scope(), id)
}

func trustedIssuerIn(ctx context.Context, scope storage.Scope, id string) (TrustedIssuer, error) {
	all, err := scope.TrustedIssuers(ctx)
	if err != nil {
		return TrustedIssuer{}, err
	}
	at := slices.IndexFunc(all, func(t lanyard.TrustedIssuer) bool { return trustedIssuerOf(t).ID == id })
	if at < 0 {
		return TrustedIssuer{}, lanyard.ErrNotFound
	}
	return trustedIssuerOf(all[at]), nil
}

// CreateTrustedIssuer adds one. An issuer that there is is lanyard.ErrConflict.
func (m *Management) CreateTrustedIssuer(ctx context.Context, a Administrator, t TrustedIssuer) (TrustedIssuer, error) {
	out := trustedIssuerOf(t.TrustedIssuer)
	return out, m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		if _, err := trustedIssuerIn(ctx, tx, out.ID); err == nil {
			return lanyard.ErrConflict.Saying("this issuer is there")
		}
		return m.putTrustedIssuer(ctx, tx, a, out)
	})
}

// ChangeTrustedIssuer changes one; the issuer itself stays.
func (m *Management) ChangeTrustedIssuer(ctx context.Context, a Administrator, id string, change Change[TrustedIssuer]) (TrustedIssuer, error) {
	var after TrustedIssuer
	err := m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		before, err := trustedIssuerIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Issuer != before.Issuer {
			return lanyard.ErrBadInput.Saying("the issuer can not be changed")
		}
		after.ID = before.ID
		return m.putTrustedIssuer(ctx, tx, a, after)
	})
	return after, err
}

func (m *Management) putTrustedIssuer(ctx context.Context, tx storage.Scope, a Administrator, t TrustedIssuer) error {
	if err := tenants.FaultOf("trusted issuer", tenants.CheckTrustedIssuer(t.TrustedIssuer)); err != nil {
		return err
	}
	if t.Owner != "" {
		if _, err := tx.Organization(ctx, t.Owner); err != nil {
			return missing(err, "there is no such organization")
		}
	}
	if err := tx.PutTrustedIssuer(ctx, t.TrustedIssuer, a.Now); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{
		Type: lanyard.EventTrustedIssuerUpdated, OrganizationID: t.Owner, Detail: map[string]string{"trusted_issuer": t.ID},
	})
}

// RemoveTrustedIssuer takes one away: its signatures count no more.
func (m *Management) RemoveTrustedIssuer(ctx context.Context, a Administrator, id string, when Condition[TrustedIssuer]) error {
	return m.change(ctx, a, lanyard.MayManageTrust, true, func(tx storage.Scope) error {
		before, err := trustedIssuerIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		if err := tx.DeleteTrustedIssuer(ctx, before.Issuer); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{
			Type: lanyard.EventTrustedIssuerRemoved, OrganizationID: before.Owner, Detail: map[string]string{"trusted_issuer": id},
		})
	})
}
