package tenants_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants"
)

// TestTakenUserCodeIsMadeAgain, and given up when there is no other.
func TestTakenUserCodeIsMadeAgain(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx := i.Context()
		master, err := keys.NewMaster([]byte("0123456789abcdefghijklmnopqrstuv"))
		i.must(err)
		i.must((&keys.Keeper{Sealer: master}).Ensure(ctx, i.live.Scope, i.clock.Now()))
		stored, err := i.live.Scope.SigningKeys(ctx)
		i.must(err)
		i.live.Ring, err = keys.NewRing(i.live.Tenant.ID, stored, master)
		i.must(err)
		i.must(i.live.Scope.PutClient(ctx, lanyard.Client{ID: "cli", CreatedAt: i.clock.Now()}))
		store := func(hash string, codes ...string) (string, error) {
			code, err := tenants.StoreDeviceUnder(i.live, ctx, lanyard.DeviceAuthorization{
				CodeHash: []byte(hash), ClientID: "cli", CreatedAt: i.clock.Now(), ExpiresAt: i.clock.Now().Add(time.Minute),
			}, func() lanyard.Secret {
				next := codes[0]
				if len(codes) > 1 {
					codes = codes[1:]
				}
				return lanyard.SecretOf(next)
			})
			return code.Reveal(), err
		}
		if got, err := store("one", "BBBBBBBB"); got != "BBBBBBBB" || err != nil {
			i.Fatal(got, err)
		}
		if got, err := store("two", "BBBBBBBB", "BBBBBBBB", "CCCCCCCC"); got != "CCCCCCCC" || err != nil {
			i.Error(got, err)
		}
		if got, err := store("three", "BBBBBBBB"); got != "" || !errors.Is(err, lanyard.ErrUnavailable) {
			i.Error(got, err)
		}
		for code, hash := range map[string]string{"BBBBBBBB": "one", "CCCCCCCC": "two"} {
			if d, err := i.live.WaitingDevice(ctx, lanyard.SecretOf(code), i.clock.Now()); string(d.CodeHash) != hash || err != nil {
				i.Errorf("%s leads to %q, %v", code, d.CodeHash, err)
			}
		}
		if _, err := i.live.WaitingDevice(ctx, lanyard.SecretOf("DDDDDDDD"), i.clock.Now()); !errors.Is(err, lanyard.ErrWrongCode) {
			i.Error(err)
		}
	})
}
