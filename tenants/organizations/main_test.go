package organizations_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }
