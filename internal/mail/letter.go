package mail

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Letter is what a mail says, before it has words. It is stored sealed: code and
// link are secrets.
type Letter struct {
	Kind lanyard.MailKind `json:"kind"`
	To   string           `json:"to"`
	// Name is what the recipient is called; empty for somebody we do not know.
	Name string `json:"name,omitempty"`
	// Languages are those that the recipient reads, best first, as language tags.
	Languages []string `json:"languages,omitempty"`
	// Code is shown in the subject and the first line; Link is absolute.
	Code string `json:"code,omitempty"`
	Link string `json:"link,omitempty"`
	// App is the application that the person was on the way to.
	App string `json:"app,omitempty"`
	// Organization is the name of the organization that it is about, Inviter the name of who invites.
	Organization string `json:"organization,omitempty"`
	Inviter      string `json:"inviter,omitempty"`
	// At, Address and UserAgent say when and from where it was done.
	At        time.Time `json:"at,omitzero"`
	Address   string    `json:"address,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	// Subject names the thing that the notice is about: a factor ("totp", "passkey",
	// "recovery_codes", "password"), a passkey's name, an address.
	Subject string `json:"subject,omitempty"`
	// Expires is when code and link stop working.
	Expires time.Time `json:"expires,omitzero"`
}

// Marshal is the letter as it is sealed.
func (l Letter) Marshal() []byte {
	data, err := json.Marshal(l)
	if err != nil {
		panic(fmt.Sprintf("mail: a letter does not marshal: %v", err)) // it is text and times
	}
	return data
}

// Unmarshal reads a letter as Marshal wrote it.
func Unmarshal(data []byte) (Letter, error) {
	var l Letter
	if err := json.Unmarshal(data, &l); err != nil {
		return Letter{}, fmt.Errorf("read a letter: %w", err)
	}
	return l, nil
}
