package manifest

import (
	"errors"
	"time"
)

// Moment is a point in time, written as RFC 3339 has it or as a date (the beginning of
// that day, UTC). Empty is none.
type Moment struct{ time.Time }

// UnmarshalText reads either form.
func (m *Moment) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		m.Time = time.Time{}
		return nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, string(text)); err == nil {
			m.Time = at.UTC().Truncate(time.Microsecond)
			return nil
		}
	}
	return errors.New("a moment is written like 2027-01-31 or 2027-01-31T12:00:00Z")
}
