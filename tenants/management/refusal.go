package management

import (
	"context"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Refusal is the decision trace of a request that was refused: why it was.
type Refusal struct {
	RequestID string           `json:"request_id" readOnly:"true"`
	At        time.Time        `json:"at" readOnly:"true"`
	Code      string           `json:"code" readOnly:"true"`
	ClientID  lanyard.ClientID `json:"client_id,omitempty" readOnly:"true"`
	// Detail says what was expected and what was received.
	Detail map[string]string `json:"detail,omitempty" readOnly:"true"`
}

// RefusalColumns are those of ClientRefusals: the newest first.
var RefusalColumns = Columns{Sorts: []string{"-at", "at"}}

func refusalOf(r storage.Refusal) Refusal {
	return Refusal{RequestID: r.RequestID, At: r.At, Code: r.Code, ClientID: r.ClientID, Detail: r.Detail}
}

// Refusal finds the decision trace behind a request id.
func (m *Management) Refusal(ctx context.Context, a Administrator, requestID string) (Refusal, error) {
	if err := a.Need(lanyard.MayReadEvents); err != nil {
		return Refusal{}, err
	}
	r, err := a.Scope().Refusal(ctx, requestID)
	if err != nil {
		return Refusal{}, gone(err)
	}
	return refusalOf(r), nil
}

// ClientRefusals lists what was refused to a client lately, the newest first.
func (m *Management) ClientRefusals(ctx context.Context, a Administrator, id lanyard.ClientID, q Query) (List[Refusal], error) {
	if err := a.Need(lanyard.MayReadClients); err != nil {
		return List[Refusal]{}, err
	}
	if _, err := clientIn(ctx, a.Scope(), id); err != nil {
		return List[Refusal]{}, err
	}
	if q.Search != "" {
		return List[Refusal]{}, lanyard.ErrBadInput.Saying("this list can not be searched")
	}
	list := "refusals of " + string(id)
	w, err := q.window(a, list, RefusalColumns)
	if err != nil {
		return List[Refusal]{}, err
	}
	rows, err := a.Scope().ClientRefusals(ctx, id, w)
	if err != nil {
		return List[Refusal]{}, err
	}
	return pageOf(a, &q, list, rows, func(r storage.Refusal) storage.Position {
		return storage.Position{Key: strconv.FormatInt(r.At.UnixMicro(), 10), ID: r.RequestID}
	}, refusalOf)
}
