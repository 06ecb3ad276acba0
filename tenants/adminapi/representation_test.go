package adminapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// revealing are parts of the names of members that nothing which is read may have.
var revealing = []string{"secret", "password", "hash", "seed", "sealed", "private", "bot_token", "api_key", "mac", "cookie", "code"}

// harmless are members that have such a part and say nothing: what is told of a secret
// without showing it, codes that open nothing, and the secret of a client, which is in the
// same representation only where it is made.
var harmless = []string{
	"must_change_password", "client_secret", "email_code", "postal_code", "code", "code_challenge_method", "code_challenge_methods", "secrets",
	"recovery_codes", "password_short", "machine", "status_code", "machines", "language_code",
}

func TestNothingThatIsReadShowsASecret(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	published, err := p.Get("/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal([]byte(published.Raw), &document); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for path, operations := range document.Paths {
		for status, response := range operations["get"].Responses {
			for _, content := range response.Content {
				if !strings.HasPrefix(status, "2") {
					continue
				}
				seen++
				for _, name := range membersOf(content.Schema, document.Components.Schemas, map[string]bool{}) {
					if slices.Contains(harmless, name) {
						continue
					}
					if slices.ContainsFunc(revealing, func(part string) bool { return strings.Contains(name, part) }) {
						t.Errorf("GET %s shows %s", path, name)
					}
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d representations were looked at", seen)
	}
}

// membersOf are the names of all members of a schema that are not for writing only.
func membersOf(schema map[string]any, all map[string]map[string]any, visited map[string]bool) []string {
	if ref, isRef := schema["$ref"].(string); isRef {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		if visited[name] {
			return nil
		}
		visited[name] = true
		return membersOf(all[name], all, visited)
	}
	var out []string
	for _, part := range []string{"items", "additionalProperties"} {
		if inner, isSchema := schema[part].(map[string]any); isSchema {
			out = append(out, membersOf(inner, all, visited)...)
		}
	}
	members, _ := schema["properties"].(map[string]any)
	for name, member := range members {
		inner, _ := member.(map[string]any)
		if inner["writeOnly"] == true {
			continue
		}
		out = append(append(out, name), membersOf(inner, all, visited)...)
	}
	return out
}
