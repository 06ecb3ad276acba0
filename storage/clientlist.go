package storage

import (
	"context"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
)

// ClientFilter says which clients are meant; what is empty does not count.
type ClientFilter struct {
	// Search is part of the id or the name.
	Search string
	Type   lanyard.ClientType
	// Disabled is nil for both.
	Disabled *bool
}

// ClientWindow lists clients, without their secrets and without the console's. The
// orders are id and created.
func (s Scope) ClientWindow(ctx context.Context, f ClientFilter, w Window) ([]*lanyard.Client, error) {
	where, args := `tenant_id = ? AND id <> ?`, []any{string(s.tenant), string(lanyard.ConsoleClient)}
	if f.Search != "" {
		where, args = where+` AND words LIKE ? ESCAPE '\'`, append(args, likeParts(f.Search))
	}
	if f.Type != "" {
		where, args = where+` AND type = ?`, append(args, string(f.Type))
	}
	if f.Disabled != nil {
		where, args = where+` AND disabled = ?`, append(args, *f.Disabled)
	}
	column := "id"
	if w.Sort == "created" {
		column = "created_at"
	}
	after, more, tail := w.order(column, "id")
	more, err := timeKeys(more)
	if err != nil {
		return nil, err
	}
	var rows []clientRow
	if err := s.list(ctx, &rows, `SELECT id, document, created_at FROM clients WHERE `+where+after+tail, append(append(args, more...), w.Limit)...); err != nil {
		return nil, err
	}
	out := make([]*lanyard.Client, 0, len(rows))
	for _, row := range rows {
		c, err := row.client()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// timeKeys makes a number of the key of a position in an order by time; with an id
// alone nothing is to be done.
func timeKeys(args []any) ([]any, error) {
	if len(args) < 2 {
		return args, nil
	}
	text, _ := args[0].(string)
	key, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, lanyard.ErrForgedCursor
	}
	return append([]any{key}, args[1:]...), nil
}

// EndClient ends every grant and every opaque token of a client.
func (s Scope) EndClient(ctx context.Context, id lanyard.ClientID, reason string, at time.Time) error {
	if _, err := s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND client_id = ? AND revoked_at IS NULL`,
		micros(at), reason, string(s.tenant), string(id)); err != nil {
		return err
	}
	_, err := s.change(ctx, `UPDATE access_tokens SET revoked_at = ? WHERE tenant_id = ? AND client_id = ? AND revoked_at IS NULL`,
		micros(at), string(s.tenant), string(id))
	return err
}

// DeleteClient removes a client with all that it was given; none is lanyard.ErrNotFound.
func (s Scope) DeleteClient(ctx context.Context, id lanyard.ClientID) error {
	return s.InTx(ctx, func(tx Scope) error {
		tenant, client := string(s.tenant), string(id)
		var held string
		if err := tx.changeReturning(ctx, &held, `UPDATE clients SET disabled = TRUE WHERE tenant_id = ? AND id = ? RETURNING id`, tenant, client); err != nil {
			return err
		}
		if _, err := tx.change(ctx, `DELETE FROM access_tokens WHERE tenant_id = ? AND (client_id = ?
			OR grant_id IN (SELECT id FROM grants WHERE tenant_id = ? AND client_id = ?))`, tenant, client, tenant, client); err != nil {
			return err
		}
		for _, table := range []string{"grants", "auth_requests", "consents", "device_codes", "client_roles", "client_secrets"} {
			if _, err := tx.change(ctx, `DELETE FROM `+table+` WHERE tenant_id = ? AND client_id = ?`, tenant, client); err != nil {
				return err
			}
		}
		return tx.must(ctx, `DELETE FROM clients WHERE tenant_id = ? AND id = ?`, tenant, client)
	})
}
