// Package jobs runs what nobody waits for: the rotation of signing keys and the
// clean-up of expired rows.
//
// Every replica has a Runner with the same jobs; a lease row per job decides who
// runs it. While a job runs its lease is short and renewed, so that another replica
// takes over within a minute from one that died in the middle. A success holds it
// until the period is over, so that a job runs once in it; a failure until the next
// try; and a shutdown gives it back.
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
