package storage_test

import (
	"testing"
)

func peopleCases(t *testing.T, s stranger) (calls, own cases) {
	return cases{"DeleteOneTimeTokens": func() error { return s.DeleteOneTimeTokens(t.Context(), s.victim.user.ID) }}, nil
}
