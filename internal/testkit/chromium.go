package testkit

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A browser test that takes longer hangs.
const longestBrowserTest = 2 * time.Minute

// Chromium starts a browser with a new profile and returns the context for
// chromedp.Run. It resolves no names but those below localhost, so that nothing
// leaves the machine. It is ended after the test, and a failure shows the page
// it was on. Further options come after the usual ones and win over them.
func Chromium(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := Need(t, "chromium")
	all := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("lang", "en"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("password-store", "basic"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"),
	}, options...)

	limited, cancelLimit := context.WithTimeout(context.Background(), longestBrowserTest)
	allocator, cancelAllocator := chromedp.NewExecAllocator(limited, all...)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(ignoreNoise(t)))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the browser was on:\n%s", page(ctx))
		}
		_ = chromedp.Cancel(ctx) // closes the browser and waits for it
		cancel()
		cancelAllocator()
		cancelLimit()
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// page describes what the browser shows: its address and text.
func page(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var location, text string
	err := chromedp.Run(ctx,
		chromedp.Location(&location),
		chromedp.Evaluate(`document.body ? document.body.innerText : ""`, &text))
	if err != nil {
		return err.Error()
	}
	return location + "\n" + strings.TrimSpace(text)
}

// ignoreNoise drops chromedp's complaints about messages of browsers that are
// newer than it.
func ignoreNoise(t testing.TB) func(string, ...any) {
	return func(format string, args ...any) {
		if strings.Contains(format, "unmarshal") {
			return
		}
		t.Logf(format, args...)
	}
}
