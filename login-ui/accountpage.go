package loginui

import (
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
)

// accountPage is what every account page has besides the frame. Views embed it.
type accountPage struct {
	*frame
	// Who is the account at hand, Others are those to switch to.
	Who    account
	Others []account
	Nav    []navLink
	// Notice says what was done; empty for nothing.
	Notice string

	me   self
	now  time.Time
	zone *time.Location
}

// navLink is one entry of the navigation.
type navLink struct {
	Href    string
	Text    string
	Current bool
}

func (p *Pages) accountPage(c *gin.Context, s screen, me self) (*accountPage, error) {
	v := &accountPage{frame: p.frame(c, []string{me.User.Profile.Locale}), me: me, now: p.Clock.Now(), zone: zoneOf(me.User.Profile.Zoneinfo)}
	v.Wide = true
	if s.script != "" {
		v.Scripts = nil
		v.Script(s.script)
	}
	for _, a := range me.all {
		entry := accountsOf([]lanyard.Account{a}, v.now)[0]
		if a.Session.ID == me.Session.ID {
			v.Who = entry
			continue
		}
		v.Others = append(v.Others, entry)
	}
	linked, err := p.hasLinked(c, me)
	if err != nil {
		return nil, err
	}
	for _, a := range areas {
		if a.path == pathMyOrgs && !p.hasOrganizations() || a.path == pathLinked && !linked {
			continue
		}
		text, err := v.T(a.key)
		if err != nil {
			return nil, err
		}
		v.Nav = append(v.Nav, navLink{Href: v.Path(a.path), Text: text, Current: a.path == s.area})
	}
	if s.heading != "" {
		if err := v.heading(s.heading); err != nil {
			return nil, err
		}
	}
	return v, v.notice(c.Request.URL.Query())
}

// zoneOf is the time zone of a profile, UTC where it names none.
func zoneOf(name string) *time.Location {
	if name == "Local" { // that of this machine
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// notices are the words that a redirect may bring along for what was done. Counted
// ones say how many, too.
var notices = map[string]struct{ counted bool }{
	"switched": {}, "profile_saved": {},
	"email_added": {}, "email_sent": {}, "email_verified": {}, "email_primary": {}, "email_removed": {},
	"password_saved": {}, "totp_added": {}, "totp_removed": {}, "passkey_added": {}, "passkey_renamed": {}, "passkey_removed": {},
	"devices_forgotten": {counted: true}, "device_ended": {}, "devices_ended": {counted: true}, "not_me": {counted: true},
	"deletion_asked": {}, "deletion_undone": {}, "unlinked": {},
	"org_joined": {}, "org_member": {}, "org_left": {}, "org_chosen": {}, "org_chosen_always": {}, "org_asked": {}, "org_declined": {}, "org_kept": {}, "org_created": {},
	"org_deleted": {}, "org_saved": {}, "member_saved": {}, "member_removed": {}, "org_transferred": {}, "join_admitted": {}, "join_refused": {},
	"invitation_sent": {}, "invitation_revoked": {}, "role_saved": {}, "role_removed": {}, "domain_added": {}, "domain_verified": {},
	"domain_saved": {}, "domain_removed": {}, "connection_added": {}, "connection_saved": {}, "connection_untested": {}, "connection_on": {},
	"connection_off": {}, "connection_removed": {}, "policy_saved": {}, "logo_saved": {}, "logo_removed": {},
}

const (
	doneParam  = "done"
	countParam = "n"
	// maxCount bounds the number that an address can put into a notice.
	maxCount = 10_000
)

func noticeOf(word string, count ...int64) url.Values {
	query := url.Values{doneParam: {word}}
	if len(count) > 0 {
		query.Set(countParam, strconv.FormatInt(count[0], 10))
	}
	return query
}

// notice reads what was done: one of our words, and a number. No other text of an
// address is ever shown.
func (v *accountPage) notice(query url.Values) error {
	word := query.Get(doneParam)
	notice, known := notices[word]
	if !known {
		return nil
	}
	var args []any
	if notice.counted {
		n, err := strconv.Atoi(query.Get(countParam))
		if err != nil || n < 0 || n > maxCount {
			return nil //nolint:nilerr // an address that nobody of us wrote
		}
		args = []any{"Count", n}
	}
	text, err := v.T("account.done."+word, args...)
	v.Notice = text
	return err
}

// moment is a time as the pages show it: in words, and exactly on request.
type moment struct {
	Text  string
	Exact string
	ISO   string
}

// moment puts a time that is over into words; zero gives an empty one.
func (v *accountPage) moment(at time.Time) (moment, error) {
	if at.IsZero() {
		return moment{}, nil
	}
	day, err := v.date(at)
	if err != nil {
		return moment{}, err
	}
	exact, err := v.T("account.exactly", "Day", day, "Time", at.In(v.zone).Format("15:04 MST"))
	if err != nil {
		return moment{}, err
	}
	text, err := v.ago(v.now.Sub(at), day)
	return moment{Text: text, Exact: exact, ISO: at.UTC().Format(time.RFC3339)}, err
}

// date is the day of a time in words.
func (v *accountPage) date(at time.Time) (string, error) {
	return v.day(at.In(v.zone).Format(time.DateOnly))
}

// daysInWords is from when on a day is told by its date.
const daysInWords = 14

func (v *accountPage) ago(d time.Duration, day string) (string, error) {
	switch {
	case d < time.Minute:
		return v.T("account.ago.now")
	case d < time.Hour:
		return v.T("account.ago.minutes", "Count", int(d/time.Minute))
	case d < 24*time.Hour:
		return v.T("account.ago.hours", "Count", int(d/time.Hour))
	case d < daysInWords*24*time.Hour:
		return v.T("account.ago.days", "Count", int(d/(24*time.Hour)))
	default:
		return day, nil
	}
}
