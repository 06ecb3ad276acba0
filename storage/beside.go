package storage

import "github.com/lanyard-id/lanyard"

// Beside is the rows of another tenant in the same transaction: for those who manage the
// instance, and what they do to tenants themselves.
func (s Scope) Beside(tenant lanyard.TenantID) Scope {
	out := s
	out.tenant, out.witness, out.known = tenant, "", ""
	return out
}
