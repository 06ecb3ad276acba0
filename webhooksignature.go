package lanyard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// webhookSecretPrefix begins every signing secret (Standard Webhooks, "Signature scheme").
const webhookSecretPrefix = "whsec_"

// NewWebhookSecret makes a signing secret: whsec_ and 32 random bytes in base64.
func NewWebhookSecret() Secret {
	raw, _ := base64.RawURLEncoding.DecodeString(NewSecret().Reveal()) // it is what it was made of
	return SecretOf(webhookSecretPrefix + base64.StdEncoding.EncodeToString(raw))
}

// SignWebhook is the signature of a message at a moment: v1 and the HMAC of id, seconds
// and body. A secret that is none is ErrBadInput.
func SignWebhook(secret Secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), webhookSecretPrefix))
	if err != nil || len(key) == 0 {
		return "", ErrBadInput.Saying("the signing secret of the webhook can not be read")
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// The shortest and the longest key of a webhook, in bytes (Standard Webhooks).
const (
	minWebhookKey = 24
	maxWebhookKey = 64
)

// CheckWebhookSecret is ErrBadInput for a signing secret that somebody else made and that can be none.
func CheckWebhookSecret(secret Secret) error {
	text, prefixed := strings.CutPrefix(secret.Reveal(), webhookSecretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !prefixed || err != nil || len(key) < minWebhookKey || len(key) > maxWebhookKey {
		return ErrBadInput.Saying("a signing secret is whsec_ and 24 to 64 bytes in base64")
	}
	return nil
}
