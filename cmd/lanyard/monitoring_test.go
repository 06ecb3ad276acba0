package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// monitoringDocs is docs/monitoring.md below a heading.
func monitoringDocs(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/monitoring.md has no heading %q", heading)
	}
	section, _, _ := strings.Cut(below, "\n## ")
	return section
}

// provoke asks a server for things that strangers ask for, so that every metric moves.
func provoke(t *testing.T, s *stoppable) {
	t.Helper()
	for _, target := range []string{
		"/oauth/authorize?client_id=chosen-by-a-stranger", "/chosen-by-a-stranger", "/t/chosen-by-a-stranger/login", "/oauth/jwks",
		"/login?request=chosen-by-a-stranger", "/api/v1/users/chosen-by-a-stranger",
	} {
		get(t, s.publicURL+target)
	}
	for method, host := range map[string]string{"CHOSEN": "", "GET": "chosen-by-a-stranger.test", "POST": ""} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.publicURL+"/oauth/token", strings.NewReader("grant_type=chosen-by-a-stranger&client_id=chosen-by-a-stranger"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Header.Set("Content-Type", "application/x-www-form-urlencoded"); host != "" {
			r.Host = host
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	s.app.Metrics.PasswordHashed(time.Millisecond)
}

// gathered are the metrics that are ours, by name.
func gathered(t *testing.T, registry *prometheus.Registry) map[string][]map[string]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]map[string]string{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_") {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			out[f.GetName()] = append(out[f.GetName()], labels)
		}
	}
	return out
}

var documentedMetric = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|]*)\\|")

// TestMetricsAreThoseOfTheDocumentation, with their labels, both ways.
func TestMetricsAreThoseOfTheDocumentation(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	provoke(t, s)
	documented := map[string][]string{}
	for _, found := range documentedMetric.FindAllStringSubmatch(monitoringDocs(t, "Metrics"), -1) {
		labels := []string{}
		for name := range strings.SplitSeq(found[2], ",") {
			if name = strings.Trim(strings.TrimSpace(name), "`"); name != "" {
				labels = append(labels, name)
			}
		}
		slices.Sort(labels)
		documented[found[1]] = labels
	}
	served := map[string][]string{}
	for name, metrics := range gathered(t, s.app.Metrics.registry) {
		served[name] = slices.AppendSeq([]string{}, maps.Keys(metrics[0]))
		slices.Sort(served[name])
	}
	if diff := cmp.Diff(documented, served); diff != "" {
		t.Errorf("docs/monitoring.md and /metrics differ (-documented +served):\n%s", diff)
	}
}

// TestLabelsAreNobodysChoice walks every value of every label of a server that strangers
// have asked for all kinds of things.
func TestLabelsAreNobodysChoice(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	provoke(t, s)
	handler, err := newHandler(s.app)
	if err != nil {
		t.Fatal(err)
	}
	var methods, jobNames, routes []string
	for _, m := range loginMethods {
		methods = append(methods, string(m))
	}
	for _, j := range s.jobs() {
		jobNames = append(jobNames, j.Name)
	}
	for _, r := range handler.Routes {
		routes = append(routes, r.Path)
	}
	allowed := map[string]func(string) bool{
		"route": func(v string) bool { return v == "none" || slices.Contains(routes, v) },
		"method": func(v string) bool {
			return slices.Contains(append(methods, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"), v)
		},
		"code":  func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n >= 100 && n < 600 },
		"grant": func(v string) bool { return slices.Contains(grantLabels, v) },
		"result": func(v string) bool {
			return slices.Contains(slices.Concat(loginResults, deliveryResults, jobResults), v)
		},
		"job":   func(v string) bool { return slices.Contains(jobNames, v) },
		"state": func(v string) bool { return v == "used" || v == "idle" },
		"alg": func(v string) bool {
			return slices.Contains([]string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}, v)
		},
		"version": func(v string) bool { return v == version }, "revision": func(v string) bool { return v == revision() },
		"goversion": func(v string) bool { return strings.HasPrefix(v, "go") },
	}
	seen := 0
	for name, metrics := range gathered(t, s.app.Metrics.registry) {
		for _, labels := range metrics {
			for label, value := range labels {
				seen++
				if check := allowed[label]; check == nil || !check(value) {
					t.Errorf("%s has the label %s=%q", name, label, value)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d labels: nothing was tested", seen)
	}
}

// TestCountersBeginWithZero: a rate needs a first value.
func TestCountersBeginWithZero(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	_, body := get(t, s.opsURL+"/metrics")
	for _, series := range []string{
		`oidc_tokens_issued_total{grant="urn:ietf:params:oauth:grant-type:token-exchange"} 0`, `login_attempts_total{method="federated",result="throttled"} 0`,
		`mail_sent_total{result="failed"} 0`, `webhook_sent_total{result="sent"} 0`, `jobs_duration_seconds_count{job="erase",result="error"} 0`,
		"mail_queue_length 0", "webhook_queue_age_seconds 0", "db_up 1", "http_requests_in_flight 0",
	} {
		if !strings.Contains(body, "\n"+series+"\n") {
			t.Errorf("there is no %s", series)
		}
	}
}

// TestScrapeIsTwoStatements, however many tenants there are, and goes on without a database.
func TestScrapeIsTwoStatements(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	ctx, statements := storage.CountStatements(t.Context())
	out := make(chan prometheus.Metric, 100)
	if err := (stored{s.app}).collect(ctx, out); err != nil {
		t.Fatal(err)
	}
	if seen := statements.Seen(); len(seen) != 2 {
		t.Errorf("a scrape is %d statements: %v", len(seen), seen)
	}
	if err := s.app.Store.Close(); err != nil {
		t.Fatal(err)
	}
	code, body := get(t, s.opsURL+"/metrics")
	if code != http.StatusOK || !strings.Contains(body, "\ndb_up 0\n") || strings.Contains(body, "\nmail_queue_length") {
		t.Errorf("without a database: %d", code)
	}
}

// TestKeyAgeIsThatOfTheOldestTenant, for a schedule may stand still in one of them.
func TestKeyAgeIsThatOfTheOldestTenant(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // else the schedule would see to it
		if _, body := get(t, s.opsURL+"/metrics"); strings.Contains(body, `jobs_duration_seconds_count{job="signing-keys",result="ok"} 1`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the schedule did not run")
		}
	}
	old := time.Now().Add(-1000 * time.Hour)
	id := lanyard.NewTenantID()
	if err := s.app.Store.InsertTenant(t.Context(), lanyard.Tenant{ID: id, Slug: "forgotten", CreatedAt: old}); err != nil {
		t.Fatal(err)
	}
	if err := s.app.Keeper.Ensure(t.Context(), s.app.Store.Tenant(id), old); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, s.opsURL+"/metrics")
	found := regexp.MustCompile(`(?m)^signing_key_age_seconds\{alg="RS256"\} (\S+)$`).FindStringSubmatch(body)
	if found == nil || strings.Contains(body, "HS256") {
		t.Fatalf("no age, or that of a symmetric key:\n%s", body)
	}
	if age, err := strconv.ParseFloat(found[1], 64); err != nil || age < 999*3600 {
		t.Errorf("the age is %s s", found[1])
	}
}

func TestVariablesOfTracesAreChecked(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
	for name, c := range map[string]struct {
		environ []string
		wanted  bool
		fault   string
	}{
		"nothing":               {},
		"an endpoint":           {environ: []string{endpoint}, wanted: true},
		"one for traces":        {environ: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://collector.example.test/v1/traces"}, wanted: true},
		"disabled":              {environ: []string{endpoint, "OTEL_SDK_DISABLED=True"}},
		"no exporter":           {environ: []string{endpoint, "OTEL_TRACES_EXPORTER=none"}},
		"another exporter":      {environ: []string{endpoint, "OTEL_TRACES_EXPORTER=zipkin"}, fault: "OTEL_TRACES_EXPORTER is otlp or none"},
		"gRPC":                  {environ: []string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, fault: "only http/protobuf is spoken"},
		"the protocol we speak": {environ: []string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}, wanted: true},
		"no URL":                {environ: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"}, fault: "OTEL_EXPORTER_OTLP_ENDPOINT is the URL of a collector"},
	} {
		wanted, err := (&program{environ: c.environ}).tracesWanted()
		if wanted != c.wanted || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, %v", name, wanted, err)
		}
	}
	if code, _, errOut := command(t, append(good(), endpoint, "OTEL_SERVICE_NAME=id"), "config", "check"); code != exitOK {
		t.Errorf("the configuration complains: %s", errOut)
	}
}
