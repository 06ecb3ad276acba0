package management

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// ClientSecret is a secret by which a client authenticates, without the secret.
type ClientSecret struct {
	ID        string    `json:"id" readOnly:"true"`
	CreatedAt time.Time `json:"created_at" readOnly:"true"`
	// ExpiresAt is zero for one without an end.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Secret is shown once, where it was made.
	Secret string `json:"client_secret,omitempty" readOnly:"true"`
}

// NewClientSecret asks for a secret.
type NewClientSecret struct {
	// Secret is the secret itself, of at least 32 characters; empty for one that is made.
	Secret    string    `json:"client_secret,omitempty" writeOnly:"true" doc:"At least 32 characters; made if it is left out"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Overlap has the secret that there is end after this time; without it both stay.
	Overlap *lanyard.Duration `json:"overlap,omitempty" doc:"How long the secret before goes on, like 24h; 0s ends it at once, without it both stay"`
}

// maxSecrets is how many secrets of a client are good at the same time.
const maxSecrets = 2

// ClientSecretColumns are those of ClientSecrets.
var ClientSecretColumns = Columns{Sorts: []string{"created"}}

// ClientSecrets lists the secrets of a client, those that have ended too.
func (m *Management) ClientSecrets(ctx context.Context, a Administrator, id lanyard.ClientID, q Query) (List[ClientSecret], error) {
	if err := a.Need(lanyard.MayReadClients); err != nil {
		return List[ClientSecret]{}, err
	}
	if _, err := clientIn(ctx, a.Scope(), id); err != nil {
		return List[ClientSecret]{}, err
	}
	all, err := a.Scope().StoredSecrets(ctx, id)
	if err != nil {
		return List[ClientSecret]{}, err
	}
	return pageOfAll(a, &q, "secrets of "+string(id), ClientSecretColumns, all, few[storage.StoredSecret, ClientSecret]{
		key:   func(s storage.StoredSecret, _ string) string { return s.CreatedAt.Format("20060102150405.000000") },
		id:    func(s storage.StoredSecret) string { return s.ID },
		words: func(s storage.StoredSecret) []string { return []string{s.ID} },
		as: func(s storage.StoredSecret) ClientSecret {
			return ClientSecret{ID: s.ID, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
		},
	})
}

// AddClientSecret gives a client another secret and shows it. Two at most are good at a
// time (lanyard.ErrConflict).
func (m *Management) AddClientSecret(ctx context.Context, a Administrator, id lanyard.ClientID, n NewClientSecret) (ClientSecret, error) {
	out := ClientSecret{ID: lanyard.NewClientSecretID(), CreatedAt: a.Now, ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Microsecond), Secret: n.Secret}
	if n.ExpiresAt.IsZero() {
		out.ExpiresAt = time.Time{}
	}
	if out.Secret == "" {
		out.Secret = lanyard.NewSecret().Reveal()
	}
	secret := lanyard.SecretOf(out.Secret)
	if err := tenants.CheckClientSecret(secret); err != nil {
		return ClientSecret{}, err
	}
	if !out.ExpiresAt.IsZero() && !out.ExpiresAt.After(a.Now) {
		return ClientSecret{}, lanyard.ErrBadInput.Saying("expires_at is over")
	}
	return out, m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		if err := a.secretsOf(ctx, tx, id); err != nil {
			return err
		}
		if err := m.makeRoom(ctx, tx, a, id, n.Overlap); err != nil {
			return err
		}
		if err := tx.AddClientSecret(ctx, id, out.ID, lanyard.ClientSecret{Hash: secret.Hash(), ExpiresAt: out.ExpiresAt}, a.Now); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventClientSecretAdded, ClientID: id, Detail: map[string]string{"secret": out.ID}})
	})
}

// secretsOf is an error unless the caller may change the secrets of the client.
func (a Administrator) secretsOf(ctx context.Context, tx storage.Scope, id lanyard.ClientID) error {
	c, err := clientIn(ctx, tx, id)
	if err != nil {
		return err
	}
	if c.Public() {
		return lanyard.ErrBadInput.Saying("a public client has no secret")
	}
	return a.mayHold(ctx, tx, c)
}

// makeRoom removes the secrets that are over and has the others end as is asked.
func (m *Management) makeRoom(ctx context.Context, tx storage.Scope, a Administrator, id lanyard.ClientID, overlap *lanyard.Duration) error {
	all, err := tx.StoredSecrets(ctx, id)
	if err != nil {
		return err
	}
	live := 0
	for _, s := range all {
		switch {
		case !s.Good(a.Now), overlap != nil && *overlap == 0:
			err = tx.DeleteClientSecret(ctx, id, s.ID)
		case overlap != nil:
			live++
			if end := a.Now.Add(time.Duration(*overlap)); s.ExpiresAt.IsZero() || end.Before(s.ExpiresAt) {
				err = tx.EndClientSecret(ctx, id, s.ID, end)
			}
		default:
			live++
		}
		if err != nil {
			return err
		}
	}
	if live >= maxSecrets {
		return lanyard.ErrConflict.Saying("a client has two secrets at most: remove one first")
	}
	return nil
}

// RemoveClientSecret takes a secret away; it is good no more at once. The last one that
// is good is lanyard.ErrLastSecret.
func (m *Management) RemoveClientSecret(ctx context.Context, a Administrator, id lanyard.ClientID, secret string) error {
	return m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		if err := a.secretsOf(ctx, tx, id); err != nil {
			return err
		}
		all, err := tx.StoredSecrets(ctx, id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(s storage.StoredSecret) bool { return s.ID == secret })
		if at < 0 {
			return lanyard.ErrNotFound
		}
		others := slices.Delete(slices.Clone(all), at, at+1)
		if all[at].Good(a.Now) && !slices.ContainsFunc(others, func(s storage.StoredSecret) bool { return s.Good(a.Now) }) {
			return lanyard.ErrLastSecret
		}
		if err := tx.DeleteClientSecret(ctx, id, secret); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventClientSecretRemoved, ClientID: id, Detail: map[string]string{"secret": secret}})
	})
}
