package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const crowdPassword = "thirty-two-at-the-same-door"

// doors is a file with 32 people and, for each round, an organization with an
// invitation for one and one with a seat for one.
func doors(rounds int) string {
	var b strings.Builder
	b.WriteString("version: 1\ntenants:\n  - slug: default\n    users:\n")
	for n := range 32 {
		fmt.Fprintf(&b, "      - {email: crowd%d@example.test, email_verified: true, password: %s}\n", n, crowdPassword)
	}
	b.WriteString("    organizations:\n")
	for n := range rounds {
		fmt.Fprintf(&b, "      - {slug: once-%[1]d, name: Once, invitations: [{code: %[2]s}]}\n      - {slug: seat-%[1]d, name: Seat, seats: 1, invitations: [{code: %[3]s, uses: 100}]}\n",
			n, inviteCode("0nce", n), inviteCode("seat", n))
	}
	return b.String()
}

func inviteCode(kind string, n int) string { return fmt.Sprintf("%s%022d", kind, n) }

// TestOneInvitationAndOneSeatHaveOneWinner: 32 accounts accept at once over three
// processes; one use lets one of them in, and one seat seats one.
func TestOneInvitationAndOneSeatHaveOneWinner(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) { atTheDoor(t, testkit.Postgres(t), 3) })
	t.Run("sqlite", func(t *testing.T) { atTheDoor(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db"), 1) })
}

func atTheDoor(t *testing.T, database string, n int) {
	t.Helper()
	rounds := testkit.Rounds(5, 100) // of either kind
	seeded(t, database, doors(rounds))
	all := replicas(t, database, n)
	i := idp.At(t, all[0].issuer, addresses(all)...)
	db := looking(t, database)
	crowd := make([]*idp.Browser, 32)
	var group sync.WaitGroup
	for at := range crowd {
		crowd[at] = i.Browser()
		group.Go(func() {
			crowd[at].SignIn(i.Client("web").Authorize(nil), fmt.Sprintf("crowd%d@example.test", at), crowdPassword)
		})
	}
	group.Wait()
	for round := range rounds {
		for _, kind := range []string{"0nce", "seat"} {
			in := press(crowd, "/invite/"+inviteCode(kind, round))
			slug := map[string]string{"0nce": "once", "seat": "seat"}[kind]
			if members := membersOf(t, db, fmt.Sprintf("%s-%d", slug, round)); in != 1 || members != 1 {
				t.Fatalf("round %d: %s let %d in, %d are members", round, slug, in, members)
			}
		}
	}
}

// press has the whole crowd accept at once, and tells how many were let in.
func press(crowd []*idp.Browser, path string) int {
	var mu sync.Mutex
	in, start := 0, make(chan struct{})
	var group sync.WaitGroup
	for _, b := range crowd {
		group.Go(func() {
			<-start
			page := b.Once(http.MethodPost, path, url.Values{"action": {"accept"}})
			if page.Status == http.StatusSeeOther {
				mu.Lock()
				defer mu.Unlock()
				in++
			}
		})
	}
	close(start)
	group.Wait()
	return in
}

func membersOf(t *testing.T, db *sql.DB, slug string) (n int) {
	t.Helper()
	row := db.QueryRowContext(t.Context(), `SELECT count(*) FROM memberships m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id WHERE o.slug = '`+slug+`'`)
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
