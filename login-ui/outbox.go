package loginui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

const pathOutbox = "/dev/outbox"

// maxOutboxWait bounds how long a request waits for a mail.
const maxOutboxWait = time.Minute

// Mail is one captured mail, with the code and the link that it carries.
type Mail struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Code    string    `json:"code"`
	Link    string    `json:"link"`
}

// MailSearch says which of the captured mails are meant.
type MailSearch struct {
	// To is an address in any spelling; empty for all.
	To string
	// After is the id of a mail; only those that came later are meant.
	After string
	// Wait is how long to wait for the first one.
	Wait time.Duration
}

type outboxView struct {
	*frame
	Mails []Mail
}

// getOutbox shows the captured mails, to programs as JSON. A program may wait for one.
func (p *Pages) getOutbox(c *gin.Context) error {
	c.Writer.Header().Add("Vary", "Accept")
	asJSON := c.Query("format") == "json" || strings.Contains(c.GetHeader("Accept"), "application/json")
	mails, err := p.searchOutbox(c)
	switch {
	case err != nil && asJSON:
		e := web.Public(err)
		web.Note(c, err)
		web.JSONError(c, web.StatusOf(e), e, web.RequestID(c.Request.Context()))
		return nil
	case err != nil:
		return err
	case asJSON:
		return outboxJSON(c, mails)
	}
	f := p.frame(c, nil)
	f.Wide = true
	if err := f.heading("outbox.heading"); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "outbox.html", outboxView{f, mails})
}

func (p *Pages) searchOutbox(c *gin.Context) ([]Mail, error) {
	wait, err := outboxWait(c.Query("wait"))
	if err != nil {
		return nil, err
	}
	if wait > 0 { // longer than an answer may usually take
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}) // where that is not supported, the wait is shorter
	}
	return p.Development.Outbox(c.Request.Context(), live(c), MailSearch{To: c.Query("to"), After: c.Query("after"), Wait: wait})
}

// outboxWait reads a time to wait: seconds, or with a unit as in 10s.
func outboxWait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if seconds, notNumber := strconv.Atoi(text); notNumber == nil {
		wait, err = time.Duration(min(max(seconds, -1), int(maxOutboxWait/time.Second)))*time.Second, nil
	}
	if err != nil || wait < 0 {
		return 0, lanyard.ErrBadInput.Saying("wait is a number of seconds, or a duration like 10s")
	}
	return min(wait, maxOutboxWait), nil
}

func outboxJSON(c *gin.Context, mails []Mail) error {
	if mails == nil {
		mails = []Mail{}
	}
	body, err := json.Marshal(struct {
		Mails []Mail `json:"mails"`
	}{mails})
	if err != nil {
		return fmt.Errorf("write the outbox: %w", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	web.NoStore(h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.Write(body) // the reader may have gone
	return nil
}
