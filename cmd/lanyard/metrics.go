package main

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/storage"
)

// metrics are the numbers of this process. No label has a value that a user or
// a client chooses. docs/monitoring.md says what each of them means.
type metrics struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	requests *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	logins   *prometheus.CounterVec
	hashes   prometheus.Histogram
	jobs     *prometheus.HistogramVec
	jobsDone *prometheus.GaugeVec
	leases   *prometheus.GaugeVec
	mails    *prometheus.CounterVec
	webhooks *prometheus.CounterVec
	now      func() time.Time
}

// scrapeTimeout bounds what a scrape asks of the database, all in all.
const scrapeTimeout = 2 * time.Second

// The values of labels that are known before anything happens: counters begin with zero,
// so that the first failure is a rise and not a new series.
var (
	grantLabels = []string{
		lanyard.GrantAuthorizationCode, lanyard.GrantRefreshToken, lanyard.GrantClientCredentials, lanyard.GrantDeviceCode, lanyard.GrantTokenExchange,
	}
	loginMethods = []lanyard.Method{
		lanyard.MethodPassword, lanyard.MethodEmailCode, lanyard.MethodPasskey, lanyard.MethodSecurityKey, lanyard.MethodTOTP,
		lanyard.MethodRecoveryCode, lanyard.MethodFederated,
	}
	loginResults    = []string{"ok", "refused", "throttled", "error"}
	deliveryResults = []string{"sent", "postponed", "failed", "error"}
	jobResults      = []string{"ok", "error"}
)

func newMetrics(app *App) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), now: app.Clock.Now}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_requests_in_flight", Help: "Requests that are being answered."})
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Time to answer a request.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "code"})
	m.tokens = counter("oidc_tokens_issued_total", "Answers with tokens, by grant type.", "grant")
	m.logins = counter("login_attempts_total", "Attempts to prove who one is: ok, refused, throttled, or not decided (error).", "method", "result")
	m.hashes = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "password_hash_seconds", Help: "Time to hash a password.", Buckets: prometheus.ExponentialBuckets(.005, 2, 9),
	})
	m.jobs = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "jobs_duration_seconds", Help: "Time that background jobs took on this replica.", Buckets: prometheus.ExponentialBuckets(.001, 10, 6),
	}, []string{"job", "result"})
	m.jobsDone = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "jobs_last_success_timestamp_seconds", Help: "When a job last succeeded on this replica; 0 if it has not run here.",
	}, []string{"job"})
	m.leases = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "jobs_lease_held", Help: "Whether this replica holds the lease of a job.",
	}, []string{"job"})
	m.mails = counter("mail_sent_total", "Tries to send a mail: sent, postponed, failed for good, or not recorded (error).", "result")
	m.webhooks = counter("webhook_sent_total", "Tries to tell a webhook: sent, postponed, failed for good, or not recorded (error).", "result")
	m.begin()
	m.registry.MustRegister(buildInfo(), m.inFlight, m.requests, m.tokens, m.logins, m.hashes, m.jobs, m.jobsDone, m.leases, m.mails, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), poolStats{app}, stored{app})
	return m
}

// begin makes the series that are known before anything happens.
func (m *metrics) begin() {
	for _, grant := range grantLabels {
		m.tokens.WithLabelValues(grant)
	}
	for _, method := range loginMethods {
		for _, result := range loginResults {
			m.logins.WithLabelValues(string(method), result)
		}
	}
	for _, result := range deliveryResults {
		m.mails.WithLabelValues(result)
		m.webhooks.WithLabelValues(result)
	}
}

// know makes the series of the jobs of this server.
func (m *metrics) know(all []jobs.Job) {
	for _, job := range all {
		for _, result := range jobResults {
			m.jobs.WithLabelValues(job.Name, result)
		}
		m.jobsDone.WithLabelValues(job.Name)
		m.leases.WithLabelValues(job.Name)
	}
}

func buildInfo() prometheus.Collector {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "The program that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version()},
	})
	build.Set(1)
	return build
}

// counting counts the requests that are being answered.
func (m *metrics) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		next.ServeHTTP(w, r)
	})
}

// Request counts a finished request; route is the pattern, never the path.
func (m *metrics) Request(route, method string, code int, d time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(code)).Observe(d.Seconds())
}

// TokenIssued counts a token response.
func (m *metrics) TokenIssued(grant string) { m.tokens.WithLabelValues(grant).Inc() }

// LoginAttempt counts an attempt to sign in, by method (password, …) and result.
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
	} else {
		m.jobsDone.WithLabelValues(job).Set(float64(m.now().UnixMilli()) / 1000)
	}
	m.jobs.WithLabelValues(job, result).Observe(d.Seconds())
}

// LeaseHeld records whether this replica holds the lease of a job.
func (m *metrics) LeaseHeld(job string, held bool) {
	value := 0.0
	if held {
		value = 1
	}
	m.leases.WithLabelValues(job).Set(value)
}

// MailTried counts a try to send a mail.
func (m *metrics) MailTried(result string) { m.mails.WithLabelValues(result).Inc() }

// WebhookTried counts a try to tell a webhook.
func (m *metrics) WebhookTried(result string) { m.webhooks.WithLabelValues(result).Inc() }

// stored are the numbers that are read from the database at each scrape, in two
// statements: every replica shows the same ones. One that is silent leaves them out.
type stored struct{ app *App }

var (
	upDesc              = prometheus.NewDesc("db_up", "Whether the database answered this scrape.", nil, nil)
	mailQueueDesc       = prometheus.NewDesc("mail_queue_length", "Mails that wait to be sent.", nil, nil)
	mailQueueAgeDesc    = prometheus.NewDesc("mail_queue_age_seconds", "How long the oldest mail waits.", nil, nil)
	webhookQueueDesc    = prometheus.NewDesc("webhook_queue_length", "Messages that wait for a webhook.", nil, nil)
	webhookQueueAgeDesc = prometheus.NewDesc("webhook_queue_age_seconds", "How long the oldest message waits for a webhook.", nil, nil)
	keyAgeDesc          = prometheus.NewDesc("signing_key_age_seconds", "How long the oldest active signing key of all tenants has been signing.", []string{"alg"}, nil)
)

// Describe implements prometheus.Collector.
func (stored) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{upDesc, mailQueueDesc, mailQueueAgeDesc, webhookQueueDesc, webhookQueueAgeDesc, keyAgeDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s stored) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	up := 0.0
	if s.collect(ctx, out) == nil {
		up = 1
	}
	out <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up)
}

func (s stored) collect(ctx context.Context, out chan<- prometheus.Metric) error {
	queues, err := s.app.Store.DeliveryQueues(ctx)
	if err != nil {
		return err
	}
	keys, err := s.app.Store.OldestSigningKeys(ctx)
	if err != nil {
		return err
	}
	now := s.app.Clock.Now()
	for _, q := range []struct {
		kind        string
		length, age *prometheus.Desc
	}{{storage.DeliveryMail, mailQueueDesc, mailQueueAgeDesc}, {storage.DeliveryWebhook, webhookQueueDesc, webhookQueueAgeDesc}} {
		waiting, age := queues[q.kind], 0.0
		if waiting.Length > 0 {
			age = now.Sub(waiting.Oldest).Seconds()
		}
		out <- prometheus.MustNewConstMetric(q.length, prometheus.GaugeValue, float64(waiting.Length))
		out <- prometheus.MustNewConstMetric(q.age, prometheus.GaugeValue, age)
	}
	for alg, since := range keys {
		if alg != lanyard.AlgMAC {
			out <- prometheus.MustNewConstMetric(keyAgeDesc, prometheus.GaugeValue, now.Sub(since).Seconds(), alg)
		}
	}
	return nil
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
