package lanyard_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestCatalogueOfFactsIsWhole(t *testing.T) {
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\tEvent[A-Z]\w+\s+EventType = "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 100 {
		t.Fatalf("only %d facts were found", len(found))
	}
	for _, fact := range found {
		if !slices.Contains(lanyard.EventTypes, lanyard.EventType(fact[1])) {
			t.Errorf("%s is not in the catalogue", fact[1])
		}
	}
	if len(found) != len(lanyard.EventTypes) {
		t.Errorf("%d facts, %d in the catalogue", len(found), len(lanyard.EventTypes))
	}
	for pattern, valid := range map[string]bool{"user.created": true, "user.*": true, "*": false, "": false, ".*": false, "user": false, "user.never": false, "use.*": false, "user.created.*": false} {
		if lanyard.ValidEventPattern(pattern) != valid {
			t.Errorf("%q", pattern)
		}
	}
}
