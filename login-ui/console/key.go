package console

import (
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// keys are the pages of signing keys.
func (c *Console) keys() {
	const area = "/keys"
	c.page(screen{path: area, area: area, permission: lanyard.MayReadKeys, show: c.keyList})
	c.editor(deed{path: "/key/rotate", area: area, permission: lanyard.MayManageKeys, from: askRotation, do: c.rotateKey})
	c.removal(removal{
		path: "/key/revoke", area: area, permission: lanyard.MayManageKeys, verb: "Revoke",
		subject: func(x *visit) (string, []string, link, error) {
			return x.id(), []string{
				"This is for a key that somebody stole. Everything that it signed is refused at once: people sign in again, applications fetch new tokens.",
				"Applications that keep keys in a cache may refuse new tokens until they fetch them again.",
			}, link{"Signing keys", x.at(area)}, nil
		},
		do: func(x *visit) (outcome, error) {
			if _, err := c.Management.RevokeKey(x.ctx(), x.Administrator, lanyard.KeyID(x.id())); err != nil {
				return outcome{}, err
			}
			return x.done("revoked", area)
		},
	})
}

// keyStates are the states in words, with their tones.
var keyStates = map[lanyard.KeyState]cell{
	lanyard.KeyNext: tag("Next", "plain"), lanyard.KeyActive: tag("Signs now", "good"), lanyard.KeyRetired: tag("Retired", "warn"),
}

func (c *Console) keyList(x *visit) (*view, error) {
	t, err := listOf(x, listing[management.Key]{
		path: "/keys", columns: management.KeyColumns, heads: []string{"Key id", "Algorithm", "State", "Since", ""}, deed: c.Management.Keys,
		selects: []field{
			choose("algorithm", "Algorithm", "", append([]option{{Text: "All"}}, of(lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA)...)...),
			choose("state", "State", "", option{Text: "All"}, option{Value: string(lanyard.KeyActive), Text: "Signs now"}, option{Value: string(lanyard.KeyNext), Text: "Next"}, option{Value: string(lanyard.KeyRetired), Text: "Retired"}),
		},
		row: func(k management.Key) []cell {
			var can cell
			if x.may(lanyard.MayManageKeys) {
				can = to("Revoke", x.at("/key/revoke", "id", string(k.ID)))
			}
			return []cell{code(string(k.ID)), text(k.Algorithm), keyStates[k.State], x.keyMoment(k), can}
		},
		empty: empty{Text: "There is no key yet."},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Signing keys", Lead: "They sign tokens. Each is published before it signs and kept until the last token that it signed has expired."}
	v.Copy = []command{{CLI: "lanyard key list", Method: "GET", Path: "/keys"}}
	v.Actions = x.whoMay(lanyard.MayManageKeys, link{"Rotate now", x.at("/key/rotate")})
	rotation := x.Live.Tenant.Policy.SigningKeyRotation.Or(90 * 24 * time.Hour)
	f := facts{}
	f.put("Published at", to(x.Live.Issuer+"/oauth/jwks", x.Live.Issuer+"/oauth/jwks")).put("Replaced by themselves after", text(counted(int(rotation/(24*time.Hour)), "day")))
	return v.add(f, t), nil
}

func (x *visit) keyMoment(k management.Key) cell {
	switch k.State {
	case lanyard.KeyActive:
		return x.moment(k.ActivatedAt, "")
	case lanyard.KeyRetired:
		out := x.moment(k.RetiredAt, "")
		if !k.ExpiresAt.IsZero() {
			out.Below = "removed " + distance(k.ExpiresAt.Sub(x.Now))
		}
		return out
	}
	return x.moment(k.CreatedAt, "")
}

func askRotation(x *visit) (*view, error) {
	v := &view{Title: "Rotate now", Crumbs: []link{{"Signing keys", x.at("/keys")}}, Copy: []command{
		{CLI: "lanyard key rotate --algorithm RS256", Method: "POST", Path: "/keys/rotate", Body: `{"algorithm":"RS256"}`},
	}}
	return v.add(form{
		Text:   "The next key signs from now on. The one before goes on verifying what it signed, so nobody notices. A next key that was published less than 20 minutes ago waits, unless it is forced.",
		Action: x.at("/key/rotate"), Submit: "Rotate", Cancel: x.at("/keys"),
		Fields: []field{choose("algorithm", "Algorithm", lanyard.AlgRS256, of(lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA)...),
			check("force", "Sign at once with a key that some applications may not have yet", false, "They refuse tokens until they fetch the keys again.")},
	}), nil
}

func (c *Console) rotateKey(x *visit) (outcome, error) {
	if _, err := c.Management.RotateKey(x.ctx(), x.Administrator, management.Rotation{Algorithm: strings.TrimSpace(x.field("algorithm")), Force: x.ticked("force")}); err != nil {
		return outcome{}, err
	}
	return x.done("rotated", "/keys")
}
