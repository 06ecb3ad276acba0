package keys

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lanyard-id/lanyard"
)

// MasterKeySize is the length of a master key in bytes.
const MasterKeySize = 32

// A sealed record is: version, id of the master key, nonce, ciphertext with tag.
const (
	sealVersion  = 1
	masterIDSize = 8
	sealHeader   = 1 + masterIDSize
	sealOverhead = sealHeader + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// Labels that separate what is derived from a master key.
const (
	labelMasterID = "lanyard master key id v1"
	labelSealing  = "lanyard sealing key v1"
)

// ErrWrongMasterKey means that a sealed record needs a master key that this
// process was not given.
var ErrWrongMasterKey = errors.New("the master key does not open this database: it was sealed under another one")

// ErrBrokenSeal means that a sealed record was altered, cut or moved to another place.
var ErrBrokenSeal = errors.New("a sealed value was altered or moved")

var errMasterKeyForm = fmt.Errorf("a master key is %d random bytes in base64 or hex", MasterKeySize)

// Master seals with XChaCha20-Poly1305 under the current master key and opens
// what was sealed under any of its keys. It implements lanyard.Sealer and is
// safe for use by several goroutines.
type Master struct {
	current *masterKey
	byID    map[[masterIDSize]byte]*masterKey
}

type masterKey struct {
	id   [masterIDSize]byte
	aead cipher.AEAD
}

// NewMaster makes a Master that seals under current and also opens what was
// sealed under the old keys.
func NewMaster(current []byte, old ...[]byte) (*Master, error) {
	m := &Master{byID: map[[masterIDSize]byte]*masterKey{}}
	for i, raw := range append([][]byte{current}, old...) {
		k, err := newMasterKey(raw)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			m.current = k
		}
		m.byID[k.id] = k
	}
	return m, nil
}

// ParseMaster reads master keys from text: the current one first, older ones
// after it, separated by white space, each in base64 or hex.
func ParseMaster(text lanyard.Secret) (*Master, error) {
	words := strings.Fields(text.Reveal())
	if len(words) == 0 {
		return nil, errMasterKeyForm
	}
	var raw [][]byte
	for _, word := range words {
		key, err := decodeMasterKey(word)
		if err != nil {
			return nil, err
		}
		raw = append(raw, key)
	}
	return NewMaster(raw[0], raw[1:]...)
}

// Seal encrypts a secret for the place where it will be stored.
func (m *Master) Seal(place lanyard.Place, plain []byte) ([]byte, error) {
	record := make([]byte, 0, len(plain)+sealOverhead)
	record = append(record, sealVersion)
	record = append(record, m.current.id[:]...)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	bound := associated(record, place)
	record = append(record, nonce...)
	return m.current.aead.Seal(record, nonce, plain, bound), nil
}

// Open decrypts what was sealed for exactly this place. It is ErrWrongMasterKey
// when the master key is another one and ErrBrokenSeal when the record is not
// the one that was sealed for the place.
func (m *Master) Open(place lanyard.Place, sealed []byte) ([]byte, error) {
	if len(sealed) < sealOverhead || sealed[0] != sealVersion {
		return nil, ErrBrokenSeal
	}
	key := m.byID[[masterIDSize]byte(sealed[1:sealHeader])]
	if key == nil {
		return nil, ErrWrongMasterKey
	}
	nonce, box := sealed[sealHeader:sealHeader+chacha20poly1305.NonceSizeX], sealed[sealHeader+chacha20poly1305.NonceSizeX:]
	plain, err := key.aead.Open(nil, nonce, box, associated(sealed[:sealHeader], place))
	if err != nil {
		return nil, ErrBrokenSeal
	}
	return plain, nil
}

func newMasterKey(raw []byte) (*masterKey, error) {
	if len(raw) != MasterKeySize || bytes.Count(raw, raw[:1]) == MasterKeySize {
		return nil, errMasterKeyForm
	}
	sealing, err := hkdf.Key(sha256.New, raw, nil, labelSealing, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, raw, nil, labelMasterID, masterIDSize)
	if err != nil {
		return nil, fmt.Errorf("derive the master key id: %w", err)
	}
	aead, err := chacha20poly1305.NewX(sealing)
	if err != nil {
		return nil, fmt.Errorf("set up sealing: %w", err)
	}
	return &masterKey{id: [masterIDSize]byte(id), aead: aead}, nil
}

// decodeMasterKey reads hex first: 64 hexadecimal digits are base64 of 48 bytes, which is no key.
func decodeMasterKey(word string) ([]byte, error) {
	if len(word) == hex.EncodedLen(MasterKeySize) {
		if raw, err := hex.DecodeString(word); err == nil {
			return raw, nil
		}
	}
	word = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(word), "=")
	raw, err := base64.RawStdEncoding.DecodeString(word)
	if err != nil || len(raw) != MasterKeySize {
		return nil, errMasterKeyForm
	}
	return raw, nil
}

// associated is what is authenticated besides the secret: the record's header
// and its place, each part with its length so that no two places look alike.
func associated(header []byte, p lanyard.Place) []byte {
	out := bytes.Clone(header)
	for _, part := range []string{string(p.Tenant), p.Table, p.Column, p.Row} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}
