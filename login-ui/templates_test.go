package loginui

import (
	"errors"
	"html/template"
	"io"
	"testing"
)

// TestEveryPageParses: a page is read when it is shown for the first time, so a broken one
// would be found by whoever opens it.
func TestEveryPageParses(t *testing.T) {
	pages, err := parseTemplates()
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for name, parse := range pages {
		page, err := parse()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var broken *template.Error // what can not be escaped; that there is no view does not matter
		if err := page.ExecuteTemplate(io.Discard, "layout", nil); errors.As(err, &broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
