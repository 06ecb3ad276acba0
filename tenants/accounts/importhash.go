package accounts

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what imported hashes were made with; HMAC-SHA-1 is not broken
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/lanyard-id/lanyard"
)

// Bounds on imported hashes, so that none takes more than a second or two, or more
// memory than the largest Argon2id hash.
const (
	maxBcryptCost       = 15
	maxBcryptPassword   = 72 // bytes; bcrypt itself does not look at more
	maxScryptMemory     = 128 << 20
	maxScryptParallel   = 4
	maxPBKDF2Iterations = 2_000_000
)

// errUnusableHash is a stored hash that is in no known form, or asks for too much.
var errUnusableHash = errors.New("a stored password hash can not be used")

// storedHash is a hash that was read.
type storedHash struct {
	matches func(password []byte) bool
	// ours says that it was made as Hash makes them.
	ours bool
}

// parseHash reads a PHC string or one of crypt(3): Argon2id and Argon2i of any cost
// within bounds, and what other systems made: bcrypt, scrypt and PBKDF2. These are
// only verified; a password that matches is hashed anew. Until then a sign-in takes
// as long as that hash does, which tells a patient stranger that the account was
// imported and has not been used since.
func parseHash(stored string) (storedHash, error) {
	switch {
	case strings.HasPrefix(stored, "$2"):
		return parseBcrypt(stored)
	case strings.HasPrefix(stored, "$scrypt$"):
		return parseScrypt(stored)
	case strings.HasPrefix(stored, "$pbkdf2"):
		return parsePBKDF2(stored)
	}
	argon, err := parseArgon(stored)
	if err != nil {
		return storedHash{}, err
	}
	return storedHash{matches: argon.matches, ours: argon.ours()}, nil
}

// CheckHash tells whether a hash that another system made can be used here;
// lanyard.ErrBadInput if not.
func CheckHash(stored string) error {
	if _, err := parseHash(stored); err != nil {
		return lanyard.ErrBadInput.Saying("the hash is not Argon2, bcrypt, scrypt or PBKDF2 as a PHC string, or its cost is out of bounds")
	}
	return nil
}

var bcryptForm = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

func parseBcrypt(stored string) (storedHash, error) {
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil || !bcryptForm.MatchString(stored) || cost > maxBcryptCost {
		return storedHash{}, errUnusableHash
	}
	return storedHash{matches: func(password []byte) bool {
		return len(password) <= maxBcryptPassword && bcrypt.CompareHashAndPassword([]byte(stored), password) == nil
	}}, nil
}

// parseScrypt reads $scrypt$ln=15,r=8,p=1$salt$hash.
func parseScrypt(stored string) (storedHash, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 5 {
		return storedHash{}, errUnusableHash
	}
	var ln, r, p int
	if _, err := fmt.Sscanf(parts[2], "ln=%d,r=%d,p=%d", &ln, &r, &p); err != nil || parts[2] != fmt.Sprintf("ln=%d,r=%d,p=%d", ln, r, p) {
		return storedHash{}, errUnusableHash
	}
	salt, key, err := saltAndKey(parts[3], parts[4])
	if err != nil || ln < 1 || ln > 20 || r < 1 || r > 64 || p < 1 || p > maxScryptParallel || 128*r<<ln > maxScryptMemory {
		return storedHash{}, errUnusableHash
	}
	return storedHash{matches: func(password []byte) bool {
		got, err := scrypt.Key(password, salt, 1<<ln, r, p, len(key))
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}}, nil
}

var pbkdf2Hashes = map[string]func() hash.Hash{
	"pbkdf2": sha1.New, "pbkdf2-sha1": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New,
}

var pbkdf2Cost = regexp.MustCompile(`^(?:i=)?([1-9][0-9]{0,8})(?:,l=[0-9]{1,3})?$`)

// parsePBKDF2 reads $pbkdf2-sha256$i=600000,l=32$salt$hash, and the form without
// names that passlib writes.
func parsePBKDF2(stored string) (storedHash, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 5 || pbkdf2Hashes[parts[1]] == nil {
		return storedHash{}, errUnusableHash
	}
	cost := pbkdf2Cost.FindStringSubmatch(parts[2])
	salt, key, err := saltAndKey(parts[3], parts[4])
	if err != nil || cost == nil {
		return storedHash{}, errUnusableHash
	}
	iterations, err := strconv.Atoi(cost[1])
	if err != nil || iterations > maxPBKDF2Iterations {
		return storedHash{}, errUnusableHash
	}
	return storedHash{matches: func(password []byte) bool {
		got, err := pbkdf2.Key(pbkdf2Hashes[parts[1]], string(password), salt, iterations, len(key))
		return err == nil && subtle.ConstantTimeCompare(got, key) == 1
	}}, nil
}

// saltAndKey reads two fields in base64 without padding; passlib writes . for +.
func saltAndKey(saltText, keyText string) ([]byte, []byte, error) {
	const longest = 128
	salt, serr := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(saltText, ".", "+"))
	key, kerr := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(keyText, ".", "+"))
	if serr != nil || kerr != nil || len(salt) < 8 || len(salt) > longest || len(key) < 16 || len(key) > 64 {
		return nil, nil, errUnusableHash
	}
	return salt, key, nil
}
