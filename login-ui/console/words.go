package console

import (
	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// notices are what pages say after a deed, by the word in their address: nothing of the
// address itself is shown.
var notices = map[string]string{
	"saved":     "Saved.",
	"created":   "Created.",
	"removed":   "Removed.",
	"disabled":  "Disabled. It can not be used any more.",
	"enabled":   "Enabled.",
	"ended":     "Ended.",
	"revoked":   "Revoked.",
	"sent":      "Sent.",
	"rotated":   "Rotated. The new key signs from now on.",
	"suspended": "Suspended.",
	"resumed":   "Resumed.",
	"tested":    "A test was sent.",
	"replayed":  "It will be delivered again.",
	"verified":  "Verified.",
	"kept":      "Kept.",
}

// badInput is a mistake in a form.
func badInput(message string) error { return lanyard.ErrBadInput.Saying(message) }

// messageOf is what an error of the catalogue says.
func messageOf(err error) string { return web.Public(err).Message }
