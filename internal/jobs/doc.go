// Package jobs runs what nobody waits for: the rotation of signing keys and the
// clean-up of expired rows.
//
// Every replica has a Runner with the same jobs; a lease row per job decides who
// runs it. The lease is taken for the whole period, so that one replica runs a
// job once in it, renewed while a run takes longer, and given back at shutdown.
// When its holder dies, the lease expires and another replica takes over.
//
// The Deliverer has no lease: every replica sends mails, each those that it claimed.
//
// Left to others: what the jobs do (keys, storage), when a server starts and
// stops (cmd).
//
// Invariant: a job is repeatable. A lease keeps replicas from doing work twice,
// not from doing harm: whoever stalls beyond its lease may meet another holder,
// so every job is safe to run twice at once.
package jobs
