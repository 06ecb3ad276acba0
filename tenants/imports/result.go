package imports

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// Entry is one thing as a declarative file writes it: members by name.
type Entry map[string]any

// Result is what was read.
type Result struct {
	Users, Clients, Roles, Organizations []Entry
	// Left says, a line for each, what was not taken and why.
	Left []string
}

func (r *Result) leave(format string, args ...any) {
	r.Left = append(r.Left, fmt.Sprintf(format, args...))
}

// maxDocument is the largest document that is read as a whole, in bytes.
const maxDocument = 512 << 20

// put sets members that have a value.
func (e Entry) put(name string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case bool:
		if !v {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
		slices.Sort(v)
	}
	e[name] = value
}

// readDocument reads one JSON document.
func readDocument(r io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return err
	}
	if len(data) > maxDocument {
		return lanyard.ErrBadInput.Saying("the file is too large")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return lanyard.ErrBadInput.Saying("the file is not the JSON that it should be")
	}
	return nil
}
