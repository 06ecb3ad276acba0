package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// manyTenants is a file with tenants that each have a person, a client and an organization.
func manyTenants(n int) string {
	var b strings.Builder
	b.WriteString("version: 1\ntenants:\n")
	for at := range n {
		fmt.Fprintf(&b, "  - slug: tenant-%[1]d\n    name: Tenant %[1]d\n    users: [{email: owner@tenant-%[1]d.test, email_verified: true}]\n"+
			"    clients: [{client_id: web, client_secret: web-secret-0123456789-0123456789-0123, redirect_uris: [https://tenant-%[1]d.test/cb], first_party: true}]\n"+
			"    organizations: [{slug: acme, name: Acme, members: [{user: owner@tenant-%[1]d.test, roles: [owner]}]}]\n", at)
	}
	return b.String()
}

// BenchmarkThousandTenants is the start on an existing database with a thousand
// tenants: the time to ready, and the memory that an idle server holds after a minute
// in which every job ran.
func BenchmarkThousandTenants(b *testing.B) {
	for name, database := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(b.TempDir(), "lanyard.db"), "PostgreSQL": testkit.Postgres(b),
	} {
		b.Run(name, func(b *testing.B) {
			t := serve(b, database, manyTenants(1000))
			var total time.Duration
			for range b.N {
				t.Kill()
				total += t.startReady(b)
			}
			b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms-to-ready")
			b.ReportMetric(t.resident(b), "MB-at-ready")
			most := 0.0
			for range 30 {
				time.Sleep(time.Second)
				most = max(most, t.resident(b))
			}
			b.ReportMetric(most, "MB-most")
			b.ReportMetric(t.resident(b), "MB-idle")
		})
	}
}
