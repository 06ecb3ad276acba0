package adminapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

var update = flag.String("update", "", "write the document anew, and its older form into this file")

const (
	documentFile = "client/openapi.json"
	generatedBy  = "run scripts/generate"
)

func TestDocumentIsTheOneThatIsWritten(t *testing.T) {
	t.Parallel()
	api := idp.Start(t, idp.Options{}).Handler.API
	if *update != "" {
		older, err := api.OpenAPI30()
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{documentFile: append(api.OpenAPI(), '\n'), *update: older} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	written, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(written), api.OpenAPI()) {
		t.Error("the API is another one than client/openapi.json says:", generatedBy)
	}
	sum := sha256.Sum256(written)
	for _, name := range []string{"client/client.gen.go", "client/lanyard.d.ts"} {
		made, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(made[:min(200, len(made))]), hex.EncodeToString(sum[:])) {
			t.Errorf("%s was made from another document: %s %v", name, generatedBy, err)
		}
	}
}
