package main

import "github.com/lanyard-id/lanyard/internal/jobs"

// teller tells webhooks what happened.
func (a *App) teller() *jobs.Teller {
	t := &jobs.Teller{Store: a.Store, Sealer: a.Sealer, Fetcher: a.Fetcher, Clock: a.Clock, Log: a.Log, Observe: a.Metrics.WebhookTried}
	if a.Dev != nil {
		t.Every = devMailEvery
	}
	return t
}
