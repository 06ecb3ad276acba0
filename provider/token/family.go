package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
)

// A refresh token is "rt_" and base64url of
//
//	grant id (16) | sequence (4) | secret (32) | MAC (16)
//
// The MAC is made under a symmetric key of the tenant, so that an invented token
// is told from an old one without a look into the database and touches nothing.
// The secret of the first token of a family is random; that of a successor is an
// HMAC of its parent under the same kind of key, so that whoever shows the parent
// again within the grace time gets the same successor and not a second one.
const (
	refreshPrefix = "rt_"
	grantBytes    = 16
	sequenceBytes = 4
	macBytes      = 16
	bodyBytes     = grantBytes + sequenceBytes + lanyard.SecretBytes
)

// refreshToken is a refresh token taken apart.
type refreshToken struct {
	grant    [grantBytes]byte
	sequence uint32
	secret   [lanyard.SecretBytes]byte
}

func (t refreshToken) body() []byte {
	b := make([]byte, 0, bodyBytes+macBytes)
	b = append(b, t.grant[:]...)
	b = binary.BigEndian.AppendUint32(b, t.sequence)
	return append(b, t.secret[:]...)
}

// text writes the token with its MAC.
func (t refreshToken) text(key []byte) string {
	body := t.body()
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append(body, mac(key, "refresh token", body)[:macBytes]...))
}

// successor derives the token that follows; it depends on nothing but parent and key.
func (t refreshToken) successor(key []byte) refreshToken {
	next := refreshToken{grant: t.grant, sequence: t.sequence + 1}
	copy(next.secret[:], mac(key, "refresh successor", t.body()))
	return next
}

func (t refreshToken) grantID() lanyard.GrantID { return lanyard.GrantIDFromBytes(t.grant) }

// parseRefresh takes a token apart; ok is false for everything that this tenant did not make.
func parseRefresh(ring *keys.Ring, text string) (t refreshToken, ok bool) {
	encoded, found := strings.CutPrefix(text, refreshPrefix)
	if !found || strings.ContainsAny(encoded, "\r\n") { // the decoder would skip line ends
		return t, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != bodyBytes+macBytes {
		return t, false
	}
	copy(t.grant[:], raw)
	t.sequence = binary.BigEndian.Uint32(raw[grantBytes:])
	copy(t.secret[:], raw[grantBytes+sequenceBytes:])
	for _, key := range ring.MACs() {
		if hmac.Equal(mac(key, "refresh token", raw[:bodyBytes])[:macBytes], raw[bodyBytes:]) {
			return t, true
		}
	}
	return t, false
}

// mac is HMAC-SHA256 under a key that serves one purpose only.
func mac(key []byte, purpose string, data []byte) []byte {
	sub := hmac.New(sha256.New, key)
	sub.Write([]byte(purpose))
	h := hmac.New(sha256.New, sub.Sum(nil))
	h.Write(data)
	return h.Sum(nil)
}

func refreshHash(text string) []byte { return lanyard.SecretOf(text).Hash() }
