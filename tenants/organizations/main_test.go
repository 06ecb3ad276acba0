package organizations_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
