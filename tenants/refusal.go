package tenants

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Refusal is the decision trace of a request that was refused.
type Refusal struct {
	RequestID string
	At        time.Time
	Code      string
	// ClientID is the client that it is about, if that is known.
	ClientID lanyard.ClientID
	// Detail are pairs of name and value: what was expected and what was received. A name may repeat.
	Detail [][2]string
}

// maxRefusalDetail bounds one value of a trace, in bytes.
const maxRefusalDetail = 512

// KeepRefusal stores a decision trace behind its request id.
func (l *Live) KeepRefusal(ctx context.Context, r Refusal) error {
	detail := map[string]string{}
	for _, d := range r.Detail {
		joined := d[1]
		if before := detail[d[0]]; before != "" {
			joined = before + "\n" + d[1]
		}
		if len(joined) <= maxRefusalDetail {
			detail[d[0]] = joined
		}
	}
	return l.Scope.InsertRefusal(ctx, storage.Refusal{RequestID: r.RequestID, At: r.At, Code: r.Code, ClientID: r.ClientID, Detail: detail})
}

// secretRule bounds wrong client secrets from one neighbourhood.
var secretRule = storage.AttemptRule{Free: 20, Delay: time.Second, Longest: time.Minute, Memory: 15 * time.Minute}

// CountWrongSecret counts a wrong client secret from a neighbourhood of addresses.
// It is called after the verification, so that the right secret is never held up:
// lanyard.ErrInvalidClient, with the time to wait once there were too many.
func (l *Live) CountWrongSecret(ctx context.Context, neighbourhood string, now time.Time) error {
	wait, err := l.Scope.ReserveAttempt(ctx, "client:"+neighbourhood, secretRule, now)
	if err != nil {
		return err
	}
	if wait > 0 {
		return lanyard.ErrInvalidClient.Saying("too many wrong client secrets from here").After(wait)
	}
	return lanyard.ErrInvalidClient
}
