package schema

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard/storage"
)

// Newest brings a database to the newest schema, for testkit.Main.
func Newest(dsn string) error {
	ctx := context.Background()
	store, err := storage.Open(ctx, storage.Config{URL: dsn, Ephemeral: true})
	if err != nil {
		return err
	}
	return errors.Join(store.Migrate(ctx), store.Close())
}
