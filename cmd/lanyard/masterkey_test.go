package main

import (
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
)

// TestVerdictOfMasterKeyStatusIsNotGoodNews when records do not open.
func TestVerdictOfMasterKeyStatusIsNotGoodNews(t *testing.T) {
	key, err := keys.ParseMaster(lanyard.SecretOf(master))
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := judge(key, []keys.Sealing{{Standing: keys.KeyUnknown, Records: 6}, {Standing: keys.KeyCurrent, Records: 1}})
	if err == nil || verdict != "6 of 7 records do not open under the keys that are configured" {
		t.Errorf("%q, %v", verdict, err)
	}
}
