package loginui

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxName is how many characters are shown of a name that somebody else chose.
	maxName = 60
	// maxRawName is how much of a name is looked at, in bytes.
	maxRawName = 4 << 10
	// maxMarks is how many combining marks may sit on one letter.
	maxMarks = 3
	// blanks are letters and symbols that show nothing.
	blanks = "\u115f\u1160\u2800\u3164\uffa0\ufffc\ufffd"
)

// plain makes a name that somebody else chose fit to stand in our own sentences:
// one line, no control, formatting or direction characters, no towers of marks,
// and not so long that it pushes our text away.
func plain(name string) string {
	var out strings.Builder
	count, marks, space := 0, 0, false
	name = name[:min(len(name), maxRawName)]
	for _, r := range norm.NFC.String(strings.Map(visible, strings.ToValidUTF8(name, ""))) {
		switch {
		case unicode.IsSpace(r):
			space = count > 0
			continue
		case unicode.IsMark(r):
			if marks++; marks > maxMarks || count == 0 {
				continue
			}
		default:
			marks = 0
			count++
		}
		if count > maxName {
			out.WriteRune('…')
			break
		}
		if space {
			out.WriteRune(' ')
			space = false
		}
		out.WriteRune(r)
	}
	return out.String()
}

// visible drops what shows nothing, for strings.Map.
func visible(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	if !unicode.IsPrint(r) || strings.ContainsRune(blanks, r) {
		return -1
	}
	return r
}

// The marks that keep the direction of a value from its surroundings (Unicode TR9, isolates).
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// isolate keeps a value of the other direction from turning the sentence around it.
func isolate(value, dir string) string {
	for _, r := range value {
		p, _ := bidi.LookupRune(r)
		rtl := p.Class() == bidi.R || p.Class() == bidi.AL
		ltr := p.Class() == bidi.L
		if (dir == dirLTR && rtl) || (dir == dirRTL && ltr) {
			return firstStrongIsolate + value + popIsolate
		}
	}
	return value
}

// initial is the first letter or digit of a name, in upper case.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "•"
}

// safeLink is an address that a link of ours may lead to: https, or http on
// loopback, without user information. Everything else is no link.
func safeLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !lanyard.IsLoopbackHost(u.Hostname())) {
		return ""
	}
	return u.String()
}

// hostOf is the host of an address. It is never cut, because its end says whose it
// is, and empty unless it is ASCII, so that no look-alike letter hides in it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII }) {
		return ""
	}
	return u.Host
}

// homeOf is where a person can begin again at the client; empty if it named no place.
func homeOf(client *lanyard.Client) string {
	if client == nil {
		return ""
	}
	if link := safeLink(client.InitiateLoginURI); link != "" {
		return link
	}
	return safeLink(client.URI)
}
