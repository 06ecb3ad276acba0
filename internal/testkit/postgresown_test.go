package testkit

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestOwnPostgresComesBackWithItsData(t *testing.T) {
	p := StartPostgres(t)
	exec := func(sql string) error {
		conn, err := pgx.Connect(t.Context(), p.URL())
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(t.Context(), sql)
		return err
	}
	if err := exec(`CREATE TABLE kept (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if err := exec(`SELECT 1`); err == nil {
		t.Error("a killed server answers")
	}
	p.Restart(t)
	if err := exec(`SELECT n FROM kept`); err != nil {
		t.Error(err)
	}
}
