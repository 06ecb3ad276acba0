package idp

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Letters takes the mails out of the outbox of all tenants and lists every one that
// was ever queued, oldest first.
func (i *IDP) Letters() []mail.Letter {
	i.t.Helper()
	const lease, most = time.Hour, 1000
	due, err := i.Store.DueDeliveries(context.Background(), storage.DeliveryMail, i.Clock.Now(), lease, most)
	must(i.t, err)
	for _, d := range due {
		plain, err := i.Sealer.Open(accounts.MailPlace(d.TenantID, d.ID), d.Sealed)
		must(i.t, err)
		letter, err := mail.Unmarshal(plain)
		must(i.t, err)
		must(i.t, i.Store.Tenant(d.TenantID).FinishDelivery(context.Background(), d.ID))
		i.letters = append(i.letters, letter)
	}
	return i.letters
}

// Letter is the newest mail of a kind to an address.
func (i *IDP) Letter(to string, kind lanyard.MailKind) mail.Letter {
	i.t.Helper()
	all := i.Letters()
	for n := len(all) - 1; n >= 0; n-- {
		if all[n].To == to && all[n].Kind == kind {
			return all[n]
		}
	}
	i.t.Fatalf("no mail %s to %s among %d", kind, to, len(all))
	return mail.Letter{}
}
