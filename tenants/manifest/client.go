package manifest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// Client is a client's registration with the names of RFC 7591. Its natural key is client_id.
type Client struct {
	lanyard.Client
	// RequirePKCE is true when the file leaves it out.
	RequirePKCE *bool  `json:"require_pkce"`
	Secret      Secret `json:"client_secret"`
	// SecretHashes stand for client_secret where only the SHA-256 of each secret is known.
	SecretHashes []SecretHash `json:"client_secret_hashes"`
	// Organizations are those in which a machine client has roles.
	Organizations []Place `json:"organizations"`
}

// SecretHash is one secret of a client that is kept elsewhere.
type SecretHash struct {
	// Hash is the SHA-256 in base64url without padding.
	Hash      string `json:"sha256"`
	ExpiresAt Moment `json:"expires_at"`
}

func (h SecretHash) secret() (lanyard.ClientSecret, error) {
	hash, err := base64.RawURLEncoding.DecodeString(h.Hash)
	if err != nil || len(hash) != sha256.Size {
		return lanyard.ClientSecret{}, lanyard.ErrBadInput.Saying("sha256 is a hash in base64url without padding")
	}
	return lanyard.ClientSecret{Hash: hash, ExpiresAt: h.ExpiresAt.Time}, nil
}

func (o *Client) check(c checker, path string, seen map[string]bool) {
	o.Client.RequirePKCE = chosen(o.RequirePKCE, true)
	o.Normalize()
	c.unique(seen, path+".client_id", "client", string(o.ID))
	if !slices.Contains([]lanyard.ClientType{lanyard.ClientWeb, lanyard.ClientSPA, lanyard.ClientNative, lanyard.ClientMachine}, o.Type) {
		c.complain(path+".type", "type is web, spa, native or machine")
	}
	if err := tenants.CheckClient(&o.Client); err != nil {
		c.complain(path, "%s", safe(err))
	}
	if len(o.JWKS) > 0 && !json.Valid(o.JWKS) {
		c.complain(path+".jwks", "jwks is not a key set")
	}
	o.checkSecret(c, path+".client_secret")
	o.checkPlaces(c, path)
}

func (o *Client) checkSecret(c checker, path string) {
	o.Secret.resolve(c, path)
	for i, h := range o.SecretHashes {
		if _, err := h.secret(); err != nil {
			c.complain(fmt.Sprintf("%s_hashes[%d]", path, i), "%s", safe(err))
		}
	}
	switch secret := o.Secret.Value; {
	case o.Public() && (!secret.IsZero() || len(o.SecretHashes) > 0):
		c.complain(path, "a public client has no secret")
	case c.document.Has(path) && len(o.SecretHashes) > 0:
		c.complain(path, "give either client_secret or client_secret_hashes")
	case !o.Public() && !c.document.Has(path) && len(o.SecretHashes) == 0:
		c.complain(path, "client %s authenticates with %s and needs a client_secret", o.ID, o.AuthMethod)
	case !secret.IsZero():
		if err := tenants.CheckClientSecret(secret); err != nil {
			c.complain(path, "%s", safe(err))
		}
	}
}

func (r *run) putClient(ctx context.Context, o *Client) error {
	before, err := r.scope.Client(ctx, o.ID)
	exists := err == nil
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	after := o.Client
	after.CreatedAt = r.now
	if exists {
		after.CreatedAt = before.CreatedAt
	} else if err := tenants.ClientIDFree(ctx, r.scope, o.ID); err != nil {
		return err
	}
	changed := !exists || !sameDocument(before, &after)
	if changed {
		if err := r.scope.PutClient(ctx, after); err != nil {
			return err
		}
	}
	renewed, err := r.putSecret(ctx, o, before)
	if err != nil {
		return err
	}
	r.summary.count(exists, changed || renewed)
	if !changed && !renewed {
		return nil
	}
	fact := lanyard.EventClientCreated
	if exists {
		fact = lanyard.EventClientUpdated
	}
	return r.record(ctx, lanyard.Event{Type: fact, ClientID: o.ID})
}

// putSecret makes the secret of the file the only one, unless it works already.
// A client that became public loses its secrets.
func (r *run) putSecret(ctx context.Context, o *Client, before *lanyard.Client) (bool, error) {
	var want []lanyard.ClientSecret
	if !o.Secret.Value.IsZero() {
		want = []lanyard.ClientSecret{{Hash: o.Secret.Value.Hash()}}
	}
	for _, h := range o.SecretHashes {
		secret, err := h.secret()
		if err != nil {
			return false, err
		}
		want = append(want, secret)
	}
	has := 0
	if before != nil && len(o.SecretHashes) > 0 && sameSecrets(before.Secrets, want) {
		return false, nil
	}
	if before != nil {
		has = len(before.Secrets)
		if !o.Secret.Value.IsZero() && before.SecretMatches(o.Secret.Value, r.now) {
			return false, nil
		}
	}
	if len(want) == 0 && has == 0 {
		return false, nil
	}
	return true, r.scope.SetClientSecrets(ctx, o.ID, want, r.now)
}

// sameSecrets compares secrets in any order.
func sameSecrets(a, b []lanyard.ClientSecret) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x lanyard.ClientSecret) bool {
		return !slices.ContainsFunc(b, func(y lanyard.ClientSecret) bool {
			return bytes.Equal(x.Hash, y.Hash) && x.ExpiresAt.Equal(y.ExpiresAt)
		})
	})
}

// sameDocument compares two values by what is stored of them.
func sameDocument(a, b any) bool {
	left, lerr := json.Marshal(a)
	right, rerr := json.Marshal(b)
	return lerr == nil && rerr == nil && string(left) == string(right)
}
