package mail_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

func captured(id, tenant, to string) mail.Message {
	return mail.Message{ID: lanyard.DeliveryID(id), Tenant: lanyard.TenantID(tenant), To: to}
}

func filled(t *testing.T, mails ...mail.Message) *mail.Outbox {
	t.Helper()
	o := mail.NewOutbox()
	for _, m := range mails {
		if err := o.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func ids(mails []mail.Message) []string {
	var out []string
	for _, m := range mails {
		out = append(out, string(m.ID))
	}
	return out
}

func TestOutboxGivesWhatIsMeantNewestFirst(t *testing.T) {
	o := filled(t, captured("1", "a", "ada@example.test"), captured("2", "a", "bob@example.test"), captured("3", "b", "ada@example.test"),
		captured("4", "a", "Ada@Example.TEST"), captured("4", "a", "ada@example.test"))
	for name, c := range map[string]struct {
		search mail.Search
		want   []string
	}{
		"all of a tenant":   {mail.Search{Tenant: "a"}, []string{"4", "2", "1"}},
		"to":                {mail.Search{Tenant: "a", To: "ADA@example.test"}, []string{"4", "1"}},
		"after":             {mail.Search{Tenant: "a", To: "ada@example.test", After: "1"}, []string{"4"}},
		"after another's":   {mail.Search{Tenant: "a", To: "ada@example.test", After: "2"}, []string{"4"}},
		"after the last":    {mail.Search{Tenant: "a", After: "4"}, nil},
		"after the unknown": {mail.Search{Tenant: "b", After: "9"}, []string{"3"}},
		"nobody":            {mail.Search{Tenant: "a", To: "eve@example.test"}, nil},
		"no address":        {mail.Search{Tenant: "a", To: "ada"}, nil},
		"no tenant":         {mail.Search{}, nil},
	} {
		if diff := cmp.Diff(c.want, ids(o.Find(c.search))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOutboxIsBounded(t *testing.T) {
	o := mail.NewOutbox()
	for i := range 1100 {
		if err := o.Send(t.Context(), captured(fmt.Sprint(i), "a", "ada@example.test")); err != nil {
			t.Fatal(err)
		}
	}
	found := ids(o.Find(mail.Search{Tenant: "a"}))
	if len(found) != 1000 || found[0] != "1099" || found[999] != "100" {
		t.Errorf("%d mails, %s to %s", len(found), found[0], found[len(found)-1])
	}
}

// TestWaitEndsWithTheMailThatIsMeant, with many waiters for many mails.
func TestWaitEndsWithTheMailThatIsMeant(t *testing.T) {
	o := filled(t, captured("old", "a", "0@example.test"))
	got := make(chan []string)
	const waiters = 32
	for i := range waiters {
		go func() {
			got <- ids(o.Wait(t.Context(), mail.Search{Tenant: "a", To: fmt.Sprintf("%d@example.test", i), After: "old"}))
		}()
	}
	for i := range waiters {
		for _, m := range []mail.Message{captured(fmt.Sprint(i), "b", fmt.Sprintf("%d@example.test", i)), captured(fmt.Sprint(i), "a", fmt.Sprintf("%d@example.test", i))} {
			if err := o.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
	}
	var all []string
	for range waiters {
		found := <-got
		if len(found) != 1 {
			t.Fatalf("got %v", found)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != waiters {
		t.Errorf("got %v", all)
	}
}

func TestWaitEndsWithItsContextAndWithTheOutbox(t *testing.T) {
	o := mail.NewOutbox()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []mail.Message)
	go func() { got <- o.Wait(ctx, mail.Search{Tenant: "a"}) }()
	cancel()
	if found := <-got; found != nil {
		t.Errorf("got %v", found)
	}
	go func() { got <- o.Wait(t.Context(), mail.Search{Tenant: "a"}) }()
	o.Close()
	o.Close()
	if found := <-got; found != nil {
		t.Errorf("got %v", found)
	}
	if found := o.Wait(t.Context(), mail.Search{Tenant: "a"}); found != nil {
		t.Errorf("got %v", found)
	}
}
