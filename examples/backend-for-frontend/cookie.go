package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// sealer writes cookies that nobody else reads, changes, or puts in the place of another.
type sealer struct {
	aead   cipher.AEAD
	secure bool
}

var errShortSecret = errors.New("SESSION_SECRET needs at least 32 characters")

func newSealer(secret, base string) (sealer, error) {
	if len(secret) < 32 {
		return sealer{}, errShortSecret
	}
	key := sha256.Sum256([]byte(secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead: aead, secure: strings.HasPrefix(base, "https://")}, err
}

// cookie is out of reach for script (HttpOnly) and for requests that other sites
// make (SameSite); over https no other host can have set it (__Host-).
func (s sealer) cookie(name, value string, age int) *http.Cookie {
	if s.secure {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (s sealer) set(w http.ResponseWriter, name string, value any, age time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sealed := s.aead.Seal(nil, nil, text, []byte(name))
	http.SetCookie(w, s.cookie(name, base64.RawURLEncoding.EncodeToString(sealed), int(age.Seconds())))
	return nil
}

func (s sealer) get(r *http.Request, name string, into any) error {
	c, err := r.Cookie(s.cookie(name, "", 0).Name)
	if err != nil {
		return err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return err
	}
	text, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (s sealer) drop(w http.ResponseWriter, name string) { http.SetCookie(w, s.cookie(name, "", -1)) }
