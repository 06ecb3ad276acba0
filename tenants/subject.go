package tenants

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// SubjectFree is lanyard.ErrConflict for a new person's sub that is the id of a client: the
// tokens of machines have that as sub, and nobody may be taken for a machine (RFC 9068 §5).
func SubjectFree(ctx context.Context, scope storage.Scope, subject string) error {
	_, err := scope.Client(ctx, lanyard.ClientID(subject))
	return taken(err, "there is a client whose client_id is this sub")
}

// ClientIDFree is lanyard.ErrConflict for the id of a new client that is somebody's sub.
func ClientIDFree(ctx context.Context, scope storage.Scope, id lanyard.ClientID) error {
	_, err := scope.UserBySubject(ctx, string(id))
	return taken(err, "there is a person whose sub is this client_id")
}

func taken(err error, message string) error {
	switch {
	case err == nil:
		return lanyard.ErrConflict.Saying(message)
	case errors.Is(err, lanyard.ErrNotFound):
		return nil
	}
	return err
}
