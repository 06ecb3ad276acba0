package tenants

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

// userCodeTries bounds how often a user code is made again because it is taken. Of
// 25 thousand million codes few are, so that one more is more than enough.
const userCodeTries = 8

// StoreDevice stores what a device asks for under a user code that no other one has,
// and returns it.
func (l *Live) StoreDevice(ctx context.Context, d lanyard.DeviceAuthorization) (lanyard.Secret, error) {
	return l.storeDevice(ctx, d, lanyard.NewUserCode)
}

// storeDevice stores it under a user code that newCode makes, again as long as it is taken.
func (l *Live) storeDevice(ctx context.Context, d lanyard.DeviceAuthorization, newCode func() lanyard.Secret) (lanyard.Secret, error) {
	id, key := l.Ring.CurrentMAC()
	if id == "" {
		return lanyard.Secret{}, fmt.Errorf("%w: the tenant has no key for codes", lanyard.ErrUnavailable)
	}
	for range userCodeTries {
		code := newCode()
		d.UserCodeMAC = l.userCodeMAC(key, code)
		stored, err := l.Scope.InsertDeviceAuthorization(ctx, d)
		if err != nil || stored {
			return code, err
		}
	}
	return lanyard.Secret{}, fmt.Errorf("%w: every user code is taken", lanyard.ErrUnavailable)
}

// WaitingDevice finds what a device waits for a decision about by its user code,
// under whatever key that was stored. Wrong, used and expired codes are all
// lanyard.ErrWrongCode.
func (l *Live) WaitingDevice(ctx context.Context, code lanyard.Secret, now time.Time) (lanyard.DeviceAuthorization, error) {
	for _, key := range l.Ring.MACs() {
		d, err := l.Scope.WaitingDeviceAuthorization(ctx, l.userCodeMAC(key, code), now)
		if err == nil || !errors.Is(err, lanyard.ErrNotFound) {
			return d, err
		}
	}
	return lanyard.DeviceAuthorization{}, lanyard.ErrWrongCode
}

// userCodeMAC is what is stored of a user code: the HMAC-SHA-256 of what it is, the
// tenant and the code, each preceded by its length.
func (l *Live) userCodeMAC(key []byte, code lanyard.Secret) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range []string{"lanyard user code", string(l.Scope.TenantID()), code.Reveal()} {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // parts are short
		_, _ = h.Write([]byte(part))
	}
	return h.Sum(nil)
}
