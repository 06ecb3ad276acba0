package accounts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	// maxPasskeyResponse bounds what is parsed of a stranger's answer, in bytes.
	maxPasskeyResponse = 64 << 10
	// maxPasskeys bounds the credentials of a user: each is named in every request for them.
	maxPasskeys = 50
	// maxPasskeyName is in characters.
	maxPasskeyName = 60
	// handleBytes is the size of a user handle, which says nothing about the user (WebAuthn §14.6.1).
	handleBytes = 32
)

// descriptors name the credentials that were made for a host.
func descriptors(all []lanyard.Passkey, rpID string) ([]protocol.CredentialDescriptor, error) {
	var out []protocol.CredentialDescriptor
	for _, p := range all {
		if p.RPID != rpID {
			continue
		}
		credential, err := credentialOf(p)
		if err != nil {
			return nil, err
		}
		out = append(out, credential.Descriptor())
	}
	return out, nil
}

func credentialOf(p lanyard.Passkey) (webauthn.Credential, error) {
	var c webauthn.Credential
	if err := json.Unmarshal([]byte(p.Record), &c); err != nil {
		return c, fmt.Errorf("read passkey %s: %w", p.ID, err)
	}
	return c, nil
}

func recordOf(c webauthn.Credential) (string, error) {
	c.Attestation = webauthn.CredentialAttestation{} // nobody asked for one
	record, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write a passkey: %w", err)
	}
	return string(record), nil
}

func passkeyID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// refused hides why an answer was not accepted from the person, not from the log.
func refused(err error) error { return fmt.Errorf("%w (%w)", lanyard.ErrNoPasskey, err) }

func passkeyOf(c webauthn.Credential, user lanyard.UserID, t Tenancy, name string, now time.Time) (lanyard.Passkey, error) {
	party, err := relyingParty(t)
	if err != nil {
		return lanyard.Passkey{}, err
	}
	record, err := recordOf(c)
	if err != nil {
		return lanyard.Passkey{}, err
	}
	name = cleanName(name)
	if name == "" {
		name = providerName(c)
	}
	return lanyard.Passkey{ID: passkeyID(c.ID), UserID: user, RPID: party.Config.RPID, Name: name, Record: record, CreatedAt: now}, nil
}

func providerName(c webauthn.Credential) string {
	if name := providerOf[aaguidOf(c)]; name != "" {
		return name
	}
	return "Passkey"
}

func aaguidOf(c webauthn.Credential) string {
	id, err := uuid.FromBytes(c.Authenticator.AAGUID)
	if err != nil || id == uuid.Nil {
		return ""
	}
	return id.String()
}

// cleanName is a typed name without what can not be seen, not too long.
func cleanName(typed string) string {
	if len(typed) > 16*maxPasskeyName {
		typed = strings.ToValidUTF8(typed[:16*maxPasskeyName], "")
	}
	seen := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, norm.NFC.String(typed))
	short := []rune(strings.Join(strings.Fields(seen), " "))
	return strings.TrimSpace(string(short[:min(len(short), maxPasskeyName)]))
}

// Passkeys lists a user's passkeys, oldest first.
func (a *Accounts) Passkeys(ctx context.Context, t Tenancy, user lanyard.UserID) ([]lanyard.Passkey, error) {
	all, err := t.Scope.Passkeys(ctx, user)
	if err != nil {
		return nil, err
	}
	for i, p := range all {
		credential, err := credentialOf(p)
		if err != nil {
			return nil, err
		}
		all[i].Synced, all[i].AAGUID = credential.Flags.BackupState, aaguidOf(credential)
	}
	return all, nil
}

// RenamePasskey gives one of the actor's passkeys another name; another's is lanyard.ErrNotFound.
func (a *Accounts) RenamePasskey(ctx context.Context, t Tenancy, actor Actor, id, name string, now time.Time) error {
	name = cleanName(name)
	if name == "" {
		return lanyard.ErrBadInput.Saying("a passkey needs a name")
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.RenamePasskey(ctx, actor.User.ID, id, name); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventPasskeyRenamed, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
			Detail: map[string]string{"passkey": id},
		})
	})
}

// RemovePasskey takes one of the actor's passkeys away; another's is
// lanyard.ErrNotFound, the only way to sign in lanyard.ErrLastWayIn, and the last
// second factor where one is required lanyard.ErrConflict. It needs a fresh proof.
func (a *Accounts) RemovePasskey(ctx context.Context, t Tenancy, actor Actor, id string, now time.Time) error {
	return a.removeFactor(ctx, t, actor, removal{
		event: lanyard.EventPasskeyRemoved, detail: map[string]string{"passkey": id}, subject: "passkey",
		check: func(ctx context.Context, tx storage.Scope, f lanyard.Factors) error {
			if f.Passkeys != 1 {
				return nil
			}
			f.Passkeys = 0
			return wayIn(ctx, tx, t, actor.User, f)
		},
		left: func(f lanyard.Factors) lanyard.Factors { f.Passkeys--; return f },
		remove: func(ctx context.Context, tx storage.Scope) error {
			return tx.DeletePasskey(ctx, actor.User.ID, id, now)
		},
	}, now)
}
