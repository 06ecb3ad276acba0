package main

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// metrics are the numbers of this process. No label has a value that a user or
// a client chooses.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	logins   *prometheus.CounterVec
	hashes   prometheus.Histogram
	jobs     *prometheus.HistogramVec
	mails    *prometheus.CounterVec
	webhooks *prometheus.CounterVec
}

// scrapeTimeout bounds what a scrape asks of the database.
const scrapeTimeout = 2 * time.Second

func newMetrics(app *App) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "code"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oidc_tokens_issued_total", Help: "Token responses by grant type.",
		}, []string{"grant"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "login_attempts_total", Help: "Attempts to prove who one is.",
		}, []string{"method", "result"}),
		hashes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "password_hash_seconds", Help: "Time to hash a password.", Buckets: prometheus.ExponentialBuckets(.005, 2, 9),
		}),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "jobs_duration_seconds", Help: "Time that background jobs took on this replica.", Buckets: prometheus.ExponentialBuckets(.001, 10, 6),
		}, []string{"job", "result"}),
	}
	m.mails = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mail_sent_total", Help: "Tries to send a mail: sent, postponed, failed for good, or not recorded (error).",
	}, []string{"result"})
	m.webhooks = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "webhook_sent_total", Help: "Tries to tell a webhook: sent, postponed, failed for good, or not recorded (error).",
	}, []string{"result"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "The program that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version()},
	})
	build.Set(1)
	m.begin()
	m.registry.MustRegister(build, m.requests, m.tokens, m.logins, m.hashes, m.jobs, m.mails, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		keyAges{app}, poolStats{app}, mailQueue{app})
	return m
}

// begin makes the series that are known before anything happens: counters begin with
// zero, so that the first failure is a rise and not a new series.
func (m *metrics) begin() {
	for _, result := range []string{"ok", "refused", "throttled", "error"} {
		m.logins.WithLabelValues(string(lanyard.MethodPassword), result)
	}
	for _, result := range []string{"sent", "postponed", "failed", "error"} {
		m.mails.WithLabelValues(result)
		m.webhooks.WithLabelValues(result)
	}
	for _, result := range []string{"ok", "error"} {
		m.jobs.WithLabelValues("clean-up", result)
	}
	m.tokens.WithLabelValues(lanyard.GrantAuthorizationCode)
}

// Request counts a finished request; route is the pattern, never the path.
func (m *metrics) Request(route, method string, code int, d time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(code)).Observe(d.Seconds())
}

// TokenIssued counts a token response.
func (m *metrics) TokenIssued(grant string) { m.tokens.WithLabelValues(grant).Inc() }

// LoginAttempt counts an attempt to sign in, by method (password, …) and result (ok, wrong, throttled, disabled, error).
func (m *metrics) LoginAttempt(method, result string) {
	m.logins.WithLabelValues(method, result).Inc()
}

// PasswordHashed records the time of a hash.
func (m *metrics) PasswordHashed(d time.Duration) { m.hashes.Observe(d.Seconds()) }

// JobRan records a run of a background job.
func (m *metrics) JobRan(job string, err error, d time.Duration) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.jobs.WithLabelValues(job, result).Observe(d.Seconds())
}

// MailTried counts a try to send a mail.
func (m *metrics) MailTried(result string) { m.mails.WithLabelValues(result).Inc() }

// WebhookTried counts a try to tell a webhook.
func (m *metrics) WebhookTried(result string) { m.webhooks.WithLabelValues(result).Inc() }

// mailQueue shows the mails that wait: a mail server that is away is seen there.
type mailQueue struct{ app *App }

var (
	mailQueueDesc    = prometheus.NewDesc("mail_queue_length", "Mails that wait to be sent.", nil, nil)
	mailQueueAgeDesc = prometheus.NewDesc("mail_queue_age_seconds", "How long the oldest mail waits.", nil, nil)
)

// Describe implements prometheus.Collector.
func (mailQueue) Describe(out chan<- *prometheus.Desc) {
	out <- mailQueueDesc
	out <- mailQueueAgeDesc
}

// Collect implements prometheus.Collector. A database that is silent leaves the numbers out.
func (q mailQueue) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	waiting, err := q.app.Store.DeliveryQueue(ctx, storage.DeliveryMail)
	if err != nil {
		return
	}
	age := 0.0
	if !waiting.Oldest.IsZero() {
		age = q.app.Clock.Now().Sub(waiting.Oldest).Seconds()
	}
	out <- prometheus.MustNewConstMetric(mailQueueDesc, prometheus.GaugeValue, float64(waiting.Length))
	out <- prometheus.MustNewConstMetric(mailQueueAgeDesc, prometheus.GaugeValue, age)
}

// keyAges shows how old the active signing keys of the default tenant are: a
// schedule that stands still is seen there.
type keyAges struct{ app *App }

var keyAgeDesc = prometheus.NewDesc("signing_key_age_seconds", "Age of the active signing key of the default tenant.", []string{"alg"}, nil)

// Describe implements prometheus.Collector.
func (keyAges) Describe(out chan<- *prometheus.Desc) { out <- keyAgeDesc }

// Collect implements prometheus.Collector. A database that is silent leaves the numbers out.
func (k keyAges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	tenant, err := k.app.Store.TenantBySlug(ctx, lanyard.DefaultTenant)
	if err != nil {
		return
	}
	stored, err := k.app.Store.Tenant(tenant.ID).SigningKeys(ctx)
	if err != nil {
		return
	}
	now := k.app.Clock.Now()
	for _, key := range stored {
		if key.State == lanyard.KeyActive && key.Algorithm != lanyard.AlgMAC {
			out <- prometheus.MustNewConstMetric(keyAgeDesc, prometheus.GaugeValue, now.Sub(key.ActivatedAt).Seconds(), key.Algorithm)
		}
	}
}

// poolStats shows the connections to the database.
type poolStats struct{ app *App }

var (
	poolOpenDesc = prometheus.NewDesc("db_pool_open_connections", "Open connections to the database.", []string{"state"}, nil)
	poolMaxDesc  = prometheus.NewDesc("db_pool_max_connections", "Most connections that may be open.", nil, nil)
	poolWaitDesc = prometheus.NewDesc("db_pool_wait_seconds_total", "Time that requests waited for a connection.", nil, nil)
)

// Describe implements prometheus.Collector.
func (poolStats) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolOpenDesc, poolMaxDesc, poolWaitDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (p poolStats) Collect(out chan<- prometheus.Metric) {
	s := p.app.Store.PoolStats()
	out <- prometheus.MustNewConstMetric(poolOpenDesc, prometheus.GaugeValue, float64(s.InUse), "used")
	out <- prometheus.MustNewConstMetric(poolOpenDesc, prometheus.GaugeValue, float64(s.Idle), "idle")
	out <- prometheus.MustNewConstMetric(poolMaxDesc, prometheus.GaugeValue, float64(s.MaxOpenConnections))
	out <- prometheus.MustNewConstMetric(poolWaitDesc, prometheus.CounterValue, s.WaitDuration.Seconds())
}
