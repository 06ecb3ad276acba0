package keys

import (
	"fmt"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
)

// JWKSMaxAge is how long a relying party may keep a key set before it asks again.
const JWKSMaxAge = 10 * time.Minute

// publishedBefore is how long a key is published at least before it signs: every
// copy of the key set that honours JWKSMaxAge has it by then, twice over. The second
// time covers that a replica may publish two seconds late and that the clocks of
// replicas differ.
const publishedBefore = 2 * JWKSMaxAge

// Life says how long the signing keys of a tenant do what.
type Life struct {
	// RotateAfter is the age at which an active key is replaced.
	RotateAfter time.Duration
	// KeepFor is how long a retired key goes on verifying: the longest life of
	// anything that it signed.
	KeepFor time.Duration
}

// LifeOf gives the life of a tenant's keys. A retired key outlives every token of
// every client, and the longest session, whose sign-out shows an ID token as a
// hint long after that expired.
func LifeOf(policy lanyard.Policy, clients []*lanyard.Client) Life {
	keep := max(policy.SessionFor(true), policy.SessionFor(false))
	for _, c := range clients {
		keep = max(keep, c.AccessTokenFor(), c.IDTokenFor())
	}
	return Life{RotateAfter: policy.KeyRotation(), KeepFor: keep}
}

// plan is what the keys of one algorithm need: first removed, then retired, then
// activated, then created, so that there are never two of a state.
type plan struct {
	algorithm string
	remove    []lanyard.SigningKey
	retire    []lanyard.SigningKey
	activate  []lanyard.SigningKey
	create    []lanyard.KeyState
}

func (p plan) empty() bool {
	return len(p.remove)+len(p.retire)+len(p.activate)+len(p.create) == 0
}

// missing plans the keys without which an algorithm can not be used. A symmetric
// key has no successor waiting: nobody needs to learn it before it is used.
func missing(stored []lanyard.SigningKey, alg string) plan {
	p := plan{algorithm: alg}
	states := []lanyard.KeyState{lanyard.KeyActive, lanyard.KeyNext}
	if alg == lanyard.AlgMAC {
		states = states[:1]
	}
	for _, state := range states {
		if len(pick(stored, alg, state)) == 0 {
			p.create = append(p.create, state)
		}
	}
	return p
}

// due plans the scheduled life of one algorithm at a moment.
func due(stored []lanyard.SigningKey, alg string, life Life, now time.Time) plan {
	p := plan{algorithm: alg}
	for _, key := range pick(stored, alg, lanyard.KeyRetired) {
		if !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt) {
			p.remove = append(p.remove, key)
		}
	}
	active, next := pick(stored, alg, lanyard.KeyActive), pick(stored, alg, lanyard.KeyNext)
	switch {
	case len(next) == 0:
		p.create = []lanyard.KeyState{lanyard.KeyNext}
	case len(active) == 0:
		p.activate = next
		p.create = []lanyard.KeyState{lanyard.KeyNext}
	case now.Sub(active[0].ActivatedAt) >= life.RotateAfter && now.Sub(next[0].CreatedAt) >= publishedBefore:
		p.retire, p.activate = active, next
		p.create = []lanyard.KeyState{lanyard.KeyNext}
	}
	return p
}

// forced plans a rotation at once, whatever the age of the successor. One that is not
// there yet is created active; relying parties learn it when they meet its unknown kid.
func forced(stored []lanyard.SigningKey, alg string) plan {
	p := plan{
		algorithm: alg,
		retire:    pick(stored, alg, lanyard.KeyActive),
		activate:  pick(stored, alg, lanyard.KeyNext),
		create:    []lanyard.KeyState{lanyard.KeyNext},
	}
	if len(p.activate) == 0 {
		p.create = []lanyard.KeyState{lanyard.KeyActive, lanyard.KeyNext}
	}
	return p
}

// onDemand plans a rotation before its time. It is lanyard.ErrKeyUnpublished while a
// relying party may hold a key set without the successor: such a party would refuse
// what that signs until it asks again.
func onDemand(stored []lanyard.SigningKey, alg string, now time.Time) (plan, error) {
	p := forced(stored, alg)
	if len(p.retire) == 0 {
		return p, nil
	}
	since := now // when a successor that is not there yet is published at the earliest
	if len(p.activate) > 0 {
		since = p.activate[0].CreatedAt
	}
	if from := since.Add(publishedBefore); now.Before(from) && !alwaysPublished(stored, since) {
		return plan{}, lanyard.ErrKeyUnpublished.Saying(fmt.Sprintf(
			"the next %s key is published since %s and can sign from %s: until then some applications do not have it; force does it anyway",
			alg, since.Format(time.RFC3339), from.Format(time.RFC3339))).After(from.Sub(now))
	}
	return p, nil
}

// alwaysPublished tells whether no key set was published without the keys of a moment: they
// are as old as the tenant's first, as after the first start. The symmetric key is counted,
// though it is not published: it is made with the first keys and stays when they are gone.
func alwaysPublished(stored []lanyard.SigningKey, since time.Time) bool {
	return !slices.ContainsFunc(stored, func(k lanyard.SigningKey) bool { return k.CreatedAt.Before(since) })
}

func pick(stored []lanyard.SigningKey, alg string, state lanyard.KeyState) []lanyard.SigningKey {
	var out []lanyard.SigningKey
	for _, key := range stored {
		if key.Algorithm == alg && key.State == state {
			out = append(out, key)
		}
	}
	return out
}

// signingAlgorithms lists the signature algorithms that have keys, in order.
func signingAlgorithms(stored []lanyard.SigningKey) []string {
	var out []string
	for _, key := range stored {
		if key.Algorithm != lanyard.AlgMAC && !slices.Contains(out, key.Algorithm) {
			out = append(out, key.Algorithm)
		}
	}
	slices.Sort(out)
	return out
}
