package organizations_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// What a process that is to die gets from its parent.
const (
	dieAt     = "LANYARD_TEST_DIE_AT"
	dieOn     = "LANYARD_TEST_DATABASE"
	dieUsing  = "LANYARD_TEST_INVITATION"
	newMember = "newcomer@example.test"
)

// TestKilledAcceptanceIsAllOrNothing is ATTACKS.md 194: a process that dies before any
// statement of making an account by invitation leaves neither an account without the
// membership, nor a used invitation without a member.
func TestKilledAcceptanceIsAllOrNothing(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killedAcceptance(t, "sqlite:"+filepath.Join(t.TempDir(), "lanyard.db")) })
	t.Run("postgres", func(t *testing.T) { killedAcceptance(t, testkit.FastPostgres(t)) })
}

func killedAcceptance(t *testing.T, database string) {
	h := found(t, database)
	o := h.organization("acme")
	s := h.seated("owner", o, lanyard.RoleOwner)
	invited, err := h.Invite(t.Context(), s, organizations.Invite{Email: newMember, Roles: []string{lanyard.RoleAdmin}}, h.now)
	h.must(err)
	for n := 1; ; n += testkit.Rounds(3, 1) {
		killed := acceptIn(t, database, invited.Invitation.ID, n)
		users, used, member := left(h, o, invited.Invitation.ID)
		if killed && (users || used || member) {
			t.Fatalf("killed before statement %d: account %v, invitation used %v, member %v", n, users, used, member)
		}
		if !killed {
			if !users || !used || !member {
				t.Fatalf("after it was done: account %v, invitation used %v, member %v", users, used, member)
			}
			if n < 10 {
				t.Fatalf("it took %d statements: nothing was tried", n)
			}
			return
		}
	}
}

// left is what there is of an acceptance.
func left(h *town, o lanyard.Organization, id lanyard.InvitationID) (account, used, member bool) {
	h.Helper()
	user, err := h.t.Scope.UserByEmail(h.Context(), newMember)
	account = err == nil
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		h.Fatal(err)
	}
	invitation, err := h.t.Scope.Invitation(h.Context(), id)
	h.must(err)
	uses, err := h.t.Scope.InvitationUses(h.Context(), o.ID, id, 10)
	h.must(err)
	if int64(len(uses)) != invitation.Uses {
		h.Errorf("%d uses, counted %d", len(uses), invitation.Uses)
	}
	return account, invitation.Uses > 0, account && len(h.rolesOf(user.ID, o)) > 0
}

// acceptIn accepts in a process of its own, that kills itself before its nth statement;
// false if it needed fewer.
func acceptIn(t *testing.T, database string, id lanyard.InvitationID, n int) bool {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessThatDies$")
	child.Env = append(os.Environ(), dieAt+"="+strconv.Itoa(n), dieOn+"="+database, dieUsing+"="+string(id))
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		return true
	}
	t.Fatalf("the process ended by itself: %v\n%s", err, out)
	return false
}

// TestProcessThatDies is the process of acceptIn; alone it has nothing to do.
func TestProcessThatDies(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(dieAt))
	if err != nil {
		return
	}
	store, err := storage.Open(t.Context(), storage.Config{URL: os.Getenv(dieOn), Ephemeral: true})
	must(t, err)
	tenant, err := store.TenantBySlug(t.Context(), "town")
	must(t, err)
	master, err := keys.NewMaster(lanyard.NewSecret().Hash())
	must(t, err)
	people := accounts.New(accounts.NewHasher(), master)
	deeds := &organizations.Organizations{Accounts: people}
	place := accounts.Tenancy{Scope: store.Tenant(tenant.ID), Tenant: tenant, Issuer: "https://id.lighthouse.test", MACs: macs{"mac-1"}}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

	ctx, statements := storage.CountStatements(t.Context())
	statements.Before = func(at int) {
		if at == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	form := accounts.SignUpForm{Email: newMember, Name: "New Member", Password: lanyard.SecretOf("walnut harbour quilt"), Newcomer: accounts.Newcomer{
		Invited: true, Address: newMember,
		Welcome: func(ctx context.Context, tx storage.Scope, user lanyard.User, proved []string) error {
			return deeds.Admit(ctx, tx, place, organizations.Guest{Invitation: lanyard.InvitationID(os.Getenv(dieUsing)), User: user, Proved: proved}, now)
		},
	}}
	proven, err := people.SignUpInvited(ctx, place, form, accounts.From{Address: "192.0.2.1"}, now)
	must(t, err)
	must(t, place.Scope.InTx(ctx, func(tx storage.Scope) error { return proven.Success(ctx, tx) }))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
