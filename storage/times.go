package storage

import "time"

// micros is the stored form of a time.
func micros(t time.Time) int64 { return t.UnixMicro() }

// maybeMicros is the stored form of a time that may not have come: NULL then.
func maybeMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// timeOf reads a stored time; NULL (0) is the zero time.
func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// orNull is NULL for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
