package loginui_test

import (
	"context"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console collects what a browser complains about: refused script, blocked forms, exceptions.
type console struct {
	mu   sync.Mutex
	said []string
}

func listen(ctx context.Context) *console {
	out := &console{}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			out.add(e.Entry.Text)
		case *runtime.EventExceptionThrown:
			out.add(e.ExceptionDetails.Error())
		}
	})
	return out
}

func (c *console) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if notable(text) {
		c.said = append(c.said, text)
	}
}

func (c *console) reset() { c.take() }

func (c *console) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.said)
	c.said = nil
	return out
}

// awaitPromise makes an evaluation wait for the value.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
