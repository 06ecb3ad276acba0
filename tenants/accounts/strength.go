package accounts

import (
	"strings"
	"sync"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

const (
	// strongest is the best score, strongEnough the least one that a password needs.
	strongest    = 4
	strongEnough = 3
	// scored is how many characters are looked at: the work grows with their square.
	scored = 64
	// repeated is how long something has to be to count as said again.
	repeated = 3
)

// Strength is how hard a password is to guess for somebody who knows the inputs
// (names, an address), from 0 to 4; below 3 it is refused. It is what a meter shows.
func Strength(password string, inputs []string) int {
	known := make([]string, 0, len(inputs))
	for _, input := range inputs {
		if input != "" {
			known = append(known, strings.ToLower(first(input, scored)))
		}
	}
	return min(zxcvbn.PasswordStrength(saidOnce(first(password, scored)), known).Score, strongest)
}

// dropWordLists lets go of the word lists from which the library has made its
// dictionaries when it was loaded; nothing reads them any more, and they are two megabytes.
var dropWordLists = sync.OnceFunc(func() { clear(frequency.Lists) })

func first(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// saidOnce leaves out what a password says a second time: a word is not harder to
// guess for being typed twice, and length alone shall not make it pass.
func saidOnce(password string) string {
	text, folded := []rune(password), []rune(strings.ToLower(password))
	var out []rune
	for i := 0; i < len(text); {
		n := longestBefore(folded, i)
		if n < repeated {
			out = append(out, text[i])
			n = 1
		}
		i += n
	}
	return string(out)
}

// longestBefore is how many characters from i on stand somewhere before i.
func longestBefore(text []rune, i int) int {
	longest := 0
	for j := range i {
		n := 0
		for i+n < len(text) && j+n < i && text[j+n] == text[i+n] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}
