package imports

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// auth0User is what we take of a user of Auth0, in the forms of its exports and of its bulk imports.
type auth0User struct {
	ID            string `json:"user_id"`
	OID           any    `json:"_id"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Username      string `json:"username"`
	Name          string `json:"name"`
	GivenName     string `json:"given_name"`
	FamilyName    string `json:"family_name"`
	Nickname      string `json:"nickname"`
	Picture       string `json:"picture"`
	Phone         string `json:"phone_number"`
	PhoneVerified bool   `json:"phone_verified"`
	Blocked       bool   `json:"blocked"`
	PasswordHash  string `json:"password_hash"`
	Exported      string `json:"passwordHash"`
	Custom        *struct {
		Algorithm string `json:"algorithm"`
		Hash      struct {
			Value    string `json:"value"`
			Encoding string `json:"encoding"`
		} `json:"hash"`
	} `json:"custom_password_hash"`
	Factors []struct{} `json:"mfa_factors"`
}

// Auth0 reads users of Auth0: an array, or one JSON object to a line. They keep their user_id as sub.
func Auth0(r io.Reader) (Result, error) {
	var out Result
	buffered := bufio.NewReader(r)
	first, err := firstByte(buffered)
	if err != nil {
		return out, lanyard.ErrBadInput.Saying("the file is empty")
	}
	if first == '[' {
		var all []auth0User
		if err := readDocument(buffered, &all); err != nil {
			return out, err
		}
		for _, u := range all {
			out.Users = append(out.Users, u.entry(&out))
		}
		return out, nil
	}
	err = eachLine(buffered, func(line int, data []byte) error {
		var u auth0User
		if json.Unmarshal(data, &u) != nil {
			return lanyard.ErrBadInput.Saying(fmt.Sprintf("line %d is not a user", line))
		}
		out.Users = append(out.Users, u.entry(&out))
		return nil
	})
	return out, err
}

func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n\ufeff", rune(b)) {
			return b, r.UnreadByte()
		}
	}
}

func (u auth0User) entry(out *Result) Entry {
	e := Entry{}
	e.put("sub", u.subject())
	for name, value := range map[string]string{
		"email": u.Email, "username": u.Username, "name": u.Name, "given_name": u.GivenName, "family_name": u.FamilyName, "nickname": u.Nickname,
		"picture": u.Picture, "phone_number": u.Phone,
	} {
		e.put(name, value)
	}
	e.put("email_verified", u.EmailVerified && u.Email != "")
	e.put("phone_number_verified", u.PhoneVerified && u.Phone != "")
	e.put("disabled", u.Blocked)
	if u.Name == u.Email {
		delete(e, "name")
	}
	hash, complaint := u.hash()
	if complaint != "" {
		out.leave("user %s: the password: %s", u.Email, complaint)
	}
	e.put("password_hash", hash)
	if len(u.Factors) > 0 {
		out.leave("user %s: %d second factors", u.Email, len(u.Factors))
	}
	return e
}

// subject is the user_id; an export of the database alone has the part after the bar as _id.
func (u auth0User) subject() string {
	if u.ID != "" {
		return u.ID
	}
	switch id := u.OID.(type) {
	case string:
		return "auth0|" + id
	case map[string]any:
		if oid, isText := id["$oid"].(string); isText {
			return "auth0|" + oid
		}
	}
	return ""
}

func (u auth0User) hash() (hash, complaint string) {
	switch {
	case u.Exported != "":
		return u.Exported, ""
	case u.PasswordHash != "":
		return u.PasswordHash, ""
	case u.Custom == nil:
		return "", ""
	case strings.HasPrefix(u.Custom.Hash.Value, "$"): // bcrypt, argon2, pbkdf2 and scrypt as PHC strings
		return u.Custom.Hash.Value, ""
	}
	return "", "the algorithm " + u.Custom.Algorithm + " in this form"
}
