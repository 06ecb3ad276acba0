package storage_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/storage"
)

func deliveryCases(t *testing.T, s stranger) (calls, own cases) {
	return cases{"InsertDelivery": func() error {
		return s.InsertDelivery(t.Context(), storage.NewDelivery{ID: "dlv_x", EventID: "evt_x", DueAt: now, ExpiresAt: now})
	}}, nil
}
