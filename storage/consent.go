package storage

import (
	"context"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// PutConsent records what a user agreed to for a client; it replaces what was recorded.
func (s Scope) PutConsent(ctx context.Context, c lanyard.Consent) error {
	_, err := s.change(ctx, `INSERT INTO consents (tenant_id, user_id, client_id, scopes, resources, granted_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET scopes = EXCLUDED.scopes, resources = EXCLUDED.resources, granted_at = EXCLUDED.granted_at`,
		string(s.tenant), string(c.UserID), string(c.ClientID), c.Scopes.String(), strings.Join(c.Resources, " "), micros(c.GrantedAt))
	return err
}

// Consents lists what a user agreed to, by client.
func (s Scope) Consents(ctx context.Context, user lanyard.UserID) ([]lanyard.Consent, error) {
	var rows []struct {
		ClientID  string
		Scopes    string
		Resources string
		GrantedAt int64
	}
	err := s.list(ctx, &rows, `SELECT client_id, scopes, resources, granted_at FROM consents WHERE tenant_id = ? AND user_id = ? ORDER BY client_id`,
		string(s.tenant), string(user))
	out := make([]lanyard.Consent, 0, len(rows))
	for _, r := range rows {
		out = append(out, lanyard.Consent{
			UserID: user, ClientID: lanyard.ClientID(r.ClientID), Scopes: strings.Fields(r.Scopes), Resources: strings.Fields(r.Resources), GrantedAt: timeOf(r.GrantedAt),
		})
	}
	return out, err
}

// DeleteConsent forgets what a user agreed to for a client; false if there was nothing.
func (s Scope) DeleteConsent(ctx context.Context, user lanyard.UserID, client lanyard.ClientID) (bool, error) {
	n, err := s.change(ctx, `DELETE FROM consents WHERE tenant_id = ? AND user_id = ? AND client_id = ?`, string(s.tenant), string(user), string(client))
	return n > 0, err
}
