package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
)

const tenant = lanyard.TenantID("ten_a")

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var signing = []string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}

// pool makes each key of the tests once: RSA keys are slow to make.
var pool struct {
	sync.Mutex
	made map[string][]crypto.Signer
}

// pooled gives the n-th key of an algorithm.
func pooled(t testing.TB, alg string, n int) crypto.Signer {
	t.Helper()
	pool.Lock()
	defer pool.Unlock()
	if pool.made == nil {
		pool.made = map[string][]crypto.Signer{}
	}
	for len(pool.made[alg]) <= n {
		key, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		pool.made[alg] = append(pool.made[alg], key)
	}
	return pool.made[alg][n]
}

// stored is a full set: for each algorithm an active, a next and a retired key, and a MAC key.
func stored(t testing.TB, m *keys.Master) []lanyard.SigningKey {
	t.Helper()
	var out []lanyard.SigningKey
	for _, alg := range signing {
		for i, state := range []lanyard.KeyState{lanyard.KeyActive, lanyard.KeyNext, lanyard.KeyRetired} {
			key, err := keys.SealKey(m, tenant, alg, pooled(t, alg, i))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, keys.In(state, key, start))
		}
	}
	mac, err := keys.SealMAC(m, tenant)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, keys.In(lanyard.KeyActive, mac, start))
}

func newRing(t testing.TB) *keys.Ring {
	t.Helper()
	m := newMaster(t)
	r, err := keys.NewRing(tenant, stored(t, m), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t testing.TB, r *keys.Ring, alg, typ string) string {
	t.Helper()
	token, err := r.Sign(alg, typ, []byte(`{"sub":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignedTokenVerifiesAndSaysWhatItIs(t *testing.T) {
	r := newRing(t)
	for _, alg := range signing {
		token := sign(t, r, alg, keys.TypeAccessToken)
		payload, err := r.VerifyOwn(token, keys.TypeAccessToken, alg)
		if err != nil || string(payload) != `{"sub":"ada"}` {
			t.Errorf("%s: got %q, %v", alg, payload, err)
		}
		header := headerOf(t, token)
		if header["alg"] != alg || header["typ"] != keys.TypeAccessToken || header["kid"] == "" || len(header) != 3 {
			t.Errorf("%s: header %v", alg, header)
		}
	}
}

func TestPublishedSetVerifiesWhatWasSigned(t *testing.T) {
	r := newRing(t)
	body, _ := r.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	for _, alg := range signing {
		parsed, err := jose.ParseSignedCompact(sign(t, r, alg, keys.TypeIDToken), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Verify(&set); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestKeySetIsPublicOnly(t *testing.T) {
	r := newRing(t)
	body, etag := r.JWKS()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 9 || !strings.HasPrefix(etag, `"`) {
		t.Errorf("%d keys, etag %s", len(set.Keys), etag)
	}
	if set.Keys[0]["alg"] != lanyard.AlgRS256 {
		t.Errorf("the first key is %v", set.Keys[0]["alg"])
	}
	allowed := []string{"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"}
	for _, key := range set.Keys {
		for member := range key {
			if !slices.Contains(allowed, member) {
				t.Errorf("the key set has a member %q", member)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" {
			t.Errorf("got %v", key)
		}
	}
}

func TestKeyIDIsTheThumbprint(t *testing.T) {
	body, _ := newRing(t).JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil || base64.RawURLEncoding.EncodeToString(sum) != key.KeyID {
			t.Errorf("kid %s, %v", key.KeyID, err)
		}
	}
}

func TestRetiredKeyVerifiesAndForgottenOneDoesNot(t *testing.T) {
	m := newMaster(t)
	all := stored(t, m)
	old, err := keys.NewRing(tenant, all, m)
	if err != nil {
		t.Fatal(err)
	}
	token := sign(t, old, lanyard.AlgES256, keys.TypeIDToken)
	i := slices.IndexFunc(all, func(k lanyard.SigningKey) bool {
		return k.Algorithm == lanyard.AlgES256 && k.State == lanyard.KeyActive
	})
	all[i].State = lanyard.KeyRetired
	rotated, err := keys.NewRing(tenant, all, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotated.VerifyOwn(token, keys.TypeIDToken); err != nil {
		t.Errorf("a retired key does not verify: %v", err)
	}
	if _, err := rotated.Sign(lanyard.AlgES256, keys.TypeIDToken, []byte(`{}`)); err == nil {
		t.Error("signed without an active key")
	}
	gone, err := keys.NewRing(tenant, slices.Delete(all, i, i+1), m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.VerifyOwn(token, keys.TypeIDToken); !errors.Is(err, lanyard.ErrInvalidToken) {
		t.Errorf("got %v", err)
	}
}

func TestRingNeedsTheMasterKeyAndItsOwnTenant(t *testing.T) {
	m := newMaster(t)
	all := stored(t, m)
	if _, err := keys.NewRing(tenant, all, newMaster(t)); !errors.Is(err, keys.ErrWrongMasterKey) {
		t.Errorf("another master key: %v", err)
	}
	if _, err := keys.NewRing("ten_b", all, m); !errors.Is(err, keys.ErrBrokenSeal) {
		t.Errorf("another tenant: %v", err)
	}
}

func TestForeignPublicKeyInTheDatabaseIsRefused(t *testing.T) {
	m := newMaster(t)
	for _, state := range []lanyard.KeyState{lanyard.KeyActive, lanyard.KeyNext, lanyard.KeyRetired} {
		ours, _ := keys.SealKey(m, tenant, lanyard.AlgES256, pooled(t, lanyard.AlgES256, 0))
		theirs, _ := keys.SealKey(newMaster(t), tenant, lanyard.AlgES256, pooled(t, lanyard.AlgES256, 1))
		swapped := ours
		swapped.Public = theirs.Public
		if _, err := keys.NewRing(tenant, []lanyard.SigningKey{keys.In(state, swapped, start)}, m); err == nil {
			t.Errorf("%s: a swapped public key was accepted", state)
		}
		renamed := theirs
		renamed.Sealed = ours.Sealed
		if _, err := keys.NewRing(tenant, []lanyard.SigningKey{keys.In(state, renamed, start)}, m); err == nil {
			t.Errorf("%s: a moved seal was accepted", state)
		}
	}
}

func TestSymmetricKeysStayInside(t *testing.T) {
	r := newRing(t)
	id, key := r.CurrentMAC()
	if got, ok := r.MAC(id); !ok || !bytes.Equal(got, key) || len(key) != 32 {
		t.Errorf("the current key is not found by its id")
	}
	if _, ok := r.MAC("mac_other"); ok {
		t.Error("an unknown id gives a key")
	}
	body, _ := r.JWKS()
	if bytes.Contains(body, []byte(id)) || bytes.Contains(body, []byte("oct")) {
		t.Error("the symmetric key is published")
	}
	if slices.Contains(r.Algorithms(), lanyard.AlgMAC) {
		t.Error("the symmetric key signs tokens")
	}
}

func TestUnknownTypeIsNotSigned(t *testing.T) {
	if _, err := newRing(t).Sign(lanyard.AlgES256, "exotic+jwt", []byte(`{}`)); err == nil {
		t.Error("signed")
	}
}

// TestHostileTokensAreRefused has the entry point's part of algorithm confusion,
// keys from the message, other serializations and odd JSON.
func TestHostileTokensAreRefused(t *testing.T) {
	r := newRing(t)
	good := sign(t, r, lanyard.AlgRS256, keys.TypeIDToken)
	es := sign(t, r, lanyard.AlgES256, keys.TypeIDToken)
	parts := strings.Split(good, ".")
	kid := headerOf(t, good)["kid"].(string)
	esKid := headerOf(t, es)["kid"].(string)
	rsa := publicOf(t, r, kid)
	body := parts[1]

	head := func(format string) string { return b64(strings.ReplaceAll(format, "KID", kid)) }
	cases := map[string]string{
		"nothing":         "",
		"dots":            "..",
		"alg none":        head(`{"alg":"none","kid":"KID","typ":"JWT"}`) + "." + body + ".",
		"alg nOnE":        head(`{"alg":"nOnE","kid":"KID","typ":"JWT"}`) + "." + body + "." + parts[2],
		"alg twice":       head(`{"alg":"RS256","alg":"none","kid":"KID","typ":"JWT"}`) + "." + body + "." + parts[2],
		"ALG besides alg": head(`{"alg":"RS256","ALG":"none","kid":"KID","typ":"JWT"}`) + "." + body + "." + parts[2],
		"no alg":          head(`{"kid":"KID","typ":"JWT"}`) + "." + body + "." + parts[2],
		"empty signature": parts[0] + "." + body + ".",
		"zero signature":  parts[0] + "." + body + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)),
		"r and s zero": b64(`{"alg":"ES256","kid":"`+esKid+`","typ":"JWT"}`) + "." + body + "." +
			base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"RS for ES key":     b64(`{"alg":"RS256","kid":"`+esKid+`","typ":"JWT"}`) + "." + body + "." + parts[2],
		"PS for RS key":     head(`{"alg":"PS256","kid":"KID","typ":"JWT"}`) + "." + body + "." + parts[2],
		"other payload":     parts[0] + "." + b64(`{"sub":"eve"}`) + "." + parts[2],
		"other header":      head(`{"typ":"JWT","alg":"RS256","kid":"KID"}`) + "." + body + "." + parts[2],
		"signature of ES":   parts[0] + "." + body + "." + strings.Split(es, ".")[2],
		"four parts":        good + ".",
		"five parts":        good + "..",
		"line break inside": parts[0] + "." + body + "." + parts[2][:9] + "\n" + parts[2][9:],
		"trailing space":    good + " ",
		"padding":           good + "=",
		"JSON form":         `{"protected":"` + parts[0] + `","payload":"` + body + `","signature":"` + parts[2] + `"}`,
		"JSON general form": `{"payload":"` + body + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"crit":              head(`{"alg":"RS256","kid":"KID","typ":"JWT","crit":["exp"]}`) + "." + body + "." + parts[2],
		"b64":               head(`{"alg":"RS256","kid":"KID","typ":"JWT","b64":false,"crit":["b64"]}`) + "." + body + "." + parts[2],
		"unknown kid":       b64(`{"alg":"RS256","kid":"other","typ":"JWT"}`) + "." + body + "." + parts[2],
		"kid of the MAC":    b64(`{"alg":"HS256","kid":"`+macID(r)+`","typ":"JWT"}`) + "." + body + "." + parts[2],
		"kid a number":      b64(`{"alg":"RS256","kid":7,"typ":"JWT"}`) + "." + body + "." + parts[2],
		"header an array":   b64(`["RS256"]`) + "." + body + "." + parts[2],
		"huge":              parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
	}
	for name, secret := range map[string][]byte{"HS256 with PEM": pemOf(t, rsa), "HS256 with DER": derOf(t, rsa), "HS256 with the MAC key": mac(r)} {
		text := head(`{"alg":"HS256","kid":"KID","typ":"JWT"}`) + "." + body
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(text))
		cases[name] = text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	for name, token := range foreign(t, kid) {
		cases[name] = token
	}
	for name, token := range cases {
		if payload, err := r.VerifyOwn(token, keys.TypeIDToken); !errors.Is(err, lanyard.ErrInvalidToken) || payload != nil {
			t.Errorf("%s: got %q, %v", name, payload, err)
		}
	}
	if _, err := r.VerifyOwn(good, keys.TypeIDToken); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestHeaderBeyondOursIsRefusedThoughSigned signs with the tenant's own key what
// the tenant would never sign.
func TestHeaderBeyondOursIsRefusedThoughSigned(t *testing.T) {
	r := newRing(t)
	ours := pooled(t, lanyard.AlgES256, 0)
	kid := headerOf(t, sign(t, r, lanyard.AlgES256, keys.TypeIDToken))["kid"]
	forge := func(name jose.HeaderKey, value any) string {
		t.Helper()
		options := (&jose.SignerOptions{}).WithType(keys.TypeIDToken).WithHeader("kid", kid).WithHeader(name, value)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: ours}, options)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(`{"sub":"ada"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	if _, err := r.VerifyOwn(forge("kid", kid), keys.TypeIDToken); err != nil {
		t.Fatalf("the header of ours: %v", err)
	}
	for name, value := range map[jose.HeaderKey]any{
		"crit": []string{"b64"}, "b64": true, "jku": "https://a.test", "x5u": "https://a.test", "x5c": []string{},
		"jwk": jose.JSONWebKey{Key: ours.Public()}, "cty": "JWT", "ALG": "none", "nonce": "n", "anything": "else",
	} {
		if _, err := r.VerifyOwn(forge(name, value), keys.TypeIDToken); !errors.Is(err, lanyard.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHugeTokenIsRefusedThoughSigned(t *testing.T) {
	r := newRing(t)
	token, err := r.Sign(lanyard.AlgES256, keys.TypeIDToken, []byte(`{"sub":"`+strings.Repeat("a", 40<<10)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.VerifyOwn(token, keys.TypeIDToken); !errors.Is(err, lanyard.ErrInvalidToken) {
		t.Errorf("got %v", err)
	}
}

func TestTypeAndAllowedAlgorithmsArePinned(t *testing.T) {
	r := newRing(t)
	token := sign(t, r, lanyard.AlgRS256, keys.TypeIDToken)
	if _, err := r.VerifyOwn(token, keys.TypeAccessToken); !errors.Is(err, lanyard.ErrInvalidToken) {
		t.Errorf("an ID token as access token: %v", err)
	}
	if _, err := r.VerifyOwn(token, keys.TypeIDToken, lanyard.AlgES256, lanyard.AlgEdDSA); !errors.Is(err, lanyard.ErrInvalidToken) {
		t.Errorf("RS256 where it is not allowed: %v", err)
	}
}

func TestPayloadWithTwoMeaningsIsRefused(t *testing.T) {
	r := newRing(t)
	for _, payload := range []string{
		`{"sub":"a","sub":"b"}`, `{"a":{"x":1,"x":2}}`, `{"a":[{"x":1,"x":2}]}`, `{"sub":"a"}{}`, `[]`, `"x"`, ``,
		"{\"sub\":\"\xff\"}", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), `{"sub":"a","s\u0075b":"b"}`,
	} {
		token, err := r.Sign(lanyard.AlgES256, keys.TypeIDToken, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.VerifyOwn(token, keys.TypeIDToken); !errors.Is(err, lanyard.ErrInvalidToken) {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

func TestOneRingServesManyGoroutines(t *testing.T) {
	r := newRing(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, alg := range signing {
				token, err := r.Sign(alg, keys.TypeIDToken, []byte(`{"sub":"ada"}`))
				if err == nil {
					_, err = r.VerifyOwn(token, keys.TypeIDToken)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestHalfHashMatchesTheSpecification has the example of OpenID Connect Core §A.3.
func TestHalfHashMatchesTheSpecification(t *testing.T) {
	const accessToken = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	if got := keys.HalfHash(lanyard.AlgRS256, accessToken); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("got %s", got)
	}
	if got := keys.HalfHash(lanyard.AlgEdDSA, accessToken); len(got) != 43 {
		t.Errorf("EdDSA: %d characters", len(got))
	}
}

func FuzzVerifyOwn(f *testing.F) {
	r := newRing(f)
	for _, alg := range signing {
		f.Add(sign(f, r, alg, keys.TypeIDToken))
	}
	f.Add("")
	f.Add("e30.e30.e30")
	f.Add(b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		payload, err := r.VerifyOwn(token, keys.TypeIDToken)
		if err != nil {
			if !errors.Is(err, lanyard.ErrInvalidToken) {
				t.Errorf("got %v", err)
			}
			return
		}
		if string(payload) != `{"sub":"ada"}` {
			t.Errorf("verified a payload that was never signed: %q", payload)
		}
	})
}

// foreign are tokens by a key that is not ours, which tell where to find it.
func foreign(t *testing.T, kid string) map[string]string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: private.Public(), KeyID: kid, Algorithm: lanyard.AlgES256}
	out := map[string]string{}
	for name, value := range map[jose.HeaderKey]any{
		"kid": kid, "jwk": jwk, "jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/x5u", "x5c": []string{"MIIB"},
	} {
		options := (&jose.SignerOptions{}).WithType(keys.TypeIDToken).WithHeader("kid", kid).WithHeader(name, value)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, options)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(`{"sub":"eve"}`))
		if err != nil {
			t.Fatal(err)
		}
		if out["foreign "+string(name)], err = signed.CompactSerialize(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token[:strings.Index(token, ".")])
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header
}

func publicOf(t *testing.T, r *keys.Ring, kid string) any {
	t.Helper()
	body, _ := r.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	return set.Key(kid)[0].Key
}

func derOf(t *testing.T, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(t *testing.T, public any) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: derOf(t, public)})
}

func macID(r *keys.Ring) string {
	id, _ := r.CurrentMAC()
	return string(id)
}

func mac(r *keys.Ring) []byte {
	_, key := r.CurrentMAC()
	return key
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
