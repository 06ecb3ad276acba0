package accounts

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/bits-and-blooms/bloom/v3"
)

// breachedFilter holds the 125,000 most common breached passwords of at least
// eight characters, in lower case; data/generate.go made it. One other password
// in a million is taken for one of them.
//
//go:embed data/breached.bloom
var breachedFilter []byte

// breached knows passwords that stood in data breaches. Nothing is asked of anybody
// else for it. The filter is read at the first use; the zero value is ready.
type breached struct {
	once   sync.Once
	filter *bloom.BloomFilter
}

// has tells whether a password stood in a breach, as it is or in lower case.
func (b *breached) has(password string) bool {
	b.once.Do(b.load)
	return b.filter.TestString(password) || b.filter.TestString(strings.ToLower(password))
}

func (b *breached) load() {
	b.filter = &bloom.BloomFilter{}
	if _, err := b.filter.ReadFrom(bytes.NewReader(breachedFilter)); err != nil {
		panic(fmt.Sprintf("accounts: the embedded filter of passwords does not read: %v", err))
	}
}
