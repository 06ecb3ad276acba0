package accounts_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

func TestImportedHashIsReplacedAtTheFirstSignIn(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.setPassword(ada.ID, storage.Password{Hash: "$2b$04$abcdefghijklmnopqrstuu0NSMUD6CT5jG9iS3QiPT7kytvajk2tq"})
		h.wants("another password", h.signsIn("ada", newPassword), lanyard.ErrWrongCredentials)
		h.must(h.signsIn("ada", oldPassword))
		hash, err := h.t.Scope.PasswordHash(h.Context(), ada.ID)
		h.must(err)
		if !strings.HasPrefix(hash, "$argon2id$") || h.user(ada.ID).Revision != 0 {
			h.Errorf("the hash is %q", hash)
		}
		h.must(h.signsIn("ada", oldPassword))
	})
}

// TestUnusableHashIsAWrongPassword for whoever tries, and an event for whoever looks
// after the accounts (ATTACKS.md 125).
func TestUnusableHashIsAWrongPassword(t *testing.T) {
	inTown(t, func(h *town) {
		ada := h.citizen("ada", address, true)
		h.setPassword(ada.ID, storage.Password{Hash: "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"})
		before := h.hashes.Load()
		h.wants("the sign-in", h.signsIn("ada", oldPassword), lanyard.ErrWrongCredentials)
		if h.hashes.Load() != before+1 || h.happened(lanyard.EventSignInFailed, ada.ID) != 1 {
			h.Errorf("%d hashes, %d events", h.hashes.Load()-before, h.happened(lanyard.EventSignInFailed, ada.ID))
		}
	})
}
