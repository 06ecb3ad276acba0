package deploy

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// alertRule is an alert of deploy/prometheus/alerts.yaml.
type alertRule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func alertRules(t testing.TB) []alertRule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string      `json:"name"`
			Rules []alertRule `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/prometheus/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var out []alertRule
	for _, g := range file.Groups {
		out = append(out, g.Rules...)
	}
	return out
}

// series are the metrics of a running server: name to label to values.
type series map[string]map[string][]string

// measured scrapes a server that was used a little. What Prometheus adds by itself is added.
func measured(t testing.TB) series {
	t.Helper()
	server := testkit.Dev(t)
	if answer, err := http.PostForm(server.Issuer+"/oauth/token", url.Values{"grant_type": {"client_credentials"}}); err != nil {
		t.Fatal(err)
	} else {
		_ = answer.Body.Close()
	}
	_, text := get(server.Ops + "/metrics")
	out := series{"up": {"job": nil, "instance": nil}}
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? \S+$`)
	for line := range strings.Lines(text) {
		found := sample.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		if out[found[1]] == nil {
			out[found[1]] = map[string][]string{"job": nil, "instance": nil}
		}
		for _, pair := range labelPair.FindAllStringSubmatch(found[2], -1) {
			name := pair[1]
			if name == "job" { // the target has a label of that name
				name = "exported_job"
			}
			out[found[1]][name] = append(out[found[1]][name], pair[3])
		}
	}
	return out
}

var (
	labelPair = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"([^"]*)"`)
	selector  = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}`)
	grouping  = regexp.MustCompile(`\b(by|without|on) \(([^)]*)\)`)
	word      = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	// language are the words of PromQL that our expressions use.
	language = []string{"sum", "max", "count", "rate", "increase", "changes", "absent", "histogram_quantile", "and", "or", "unless", "time", "min", "max_over_time"}
)

// knows complains about metrics, labels and values in an expression that a server does
// not have. Each metric carries its labels in braces, so that it is told from a function.
func (s series) knows(expr string) []string {
	var complaints []string
	grouped := map[string]bool{}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.FieldsFuncSeq(g[2], func(r rune) bool { return r == ',' || r == ' ' }) {
			grouped[label] = true
		}
	}
	metrics := selector.FindAllStringSubmatch(expr, -1)
	for _, m := range metrics {
		has, ok := s[m[1]]
		if !ok {
			complaints = append(complaints, "no metric "+m[1])
			continue
		}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			values, ok := has[pair[1]]
			switch {
			case !ok:
				complaints = append(complaints, m[1]+" has no label "+pair[1])
			case values != nil && (pair[2] == "=" || pair[2] == "!=") && !slices.Contains(values, pair[3]):
				complaints = append(complaints, fmt.Sprintf("%s has no %s %q, only %v", m[1], pair[1], pair[3], slices.Compact(slices.Sorted(slices.Values(values)))))
			}
		}
	}
	for label := range grouped {
		if !slices.ContainsFunc(metrics, func(m []string) bool { _, ok := s[m[1]][label]; return ok }) {
			complaints = append(complaints, "grouped by "+label+", which no metric here has")
		}
	}
	rest := grouping.ReplaceAllString(selector.ReplaceAllString(expr, ""), "")
	for _, w := range word.FindAllString(regexp.MustCompile(`\[[^\]]*\]`).ReplaceAllString(rest, ""), -1) {
		if !slices.Contains(language, w) {
			complaints = append(complaints, w+" is a metric without labels, or a function that is not known here")
		}
	}
	if len(metrics) == 0 {
		complaints = append(complaints, "no metric at all")
	}
	return complaints
}

func TestAlertsNameWhatTheServerMeasures(t *testing.T) {
	measured := measured(t)
	for _, r := range alertRules(t) {
		for _, complaint := range measured.knows(r.Expr) {
			t.Errorf("%s: %s", r.Alert, complaint)
		}
		if r.For == "" || r.Annotations["summary"] == "" || len(r.Annotations["runbook"]) < 80 || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s has no duration, summary, runbook or severity", r.Alert)
		}
		if !strings.Contains(r.Expr, `{job="lanyard"`) {
			t.Errorf("%s looks at metrics of others", r.Alert)
		}
	}
	for expr, want := range map[string]string{
		`up{job="x"} == 0`: "", `rate(nothing{a="b"}[5m])`: "no metric nothing", `sum by (color) (up{job="x"})`: "grouped by color", `up{color="x"}`: "no label color",
		`mail_sent_total{result="lost"}`: `no result "lost"`, `sum(go_goroutines)`: "metric without labels", `1 > 0`: "no metric at all",
	} {
		if got := strings.Join(measured.knows(expr), "; "); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}

// well is what a Lanyard of two replicas looks like on a quiet day: series to values, a minute apart.
var well = map[string]string{
	`up{job="lanyard",instance="a"}`:                                                                "1x120",
	`up{job="lanyard",instance="b"}`:                                                                "1x120",
	`process_start_time_seconds{job="lanyard",instance="a"}`:                                        "1000x120",
	`http_request_duration_seconds_count{job="lanyard",route="/oauth/token",code="200"}`:            "0+600x120",
	`http_request_duration_seconds_count{job="lanyard",route="/oauth/token",code="400"}`:            "0+200x120",
	`http_request_duration_seconds_count{job="lanyard",route="/oauth/token",code="503"}`:            "0+1x120",
	`http_request_duration_seconds_bucket{job="lanyard",route="/oauth/token",code="200",le="0.1"}`:  "0+600x120",
	`http_request_duration_seconds_bucket{job="lanyard",route="/oauth/token",code="200",le="2.5"}`:  "0+600x120",
	`http_request_duration_seconds_bucket{job="lanyard",route="/oauth/token",code="200",le="+Inf"}`: "0+600x120",
	`login_attempts_total{job="lanyard",method="password",result="ok"}`:                             "0+300x120",
	`login_attempts_total{job="lanyard",method="password",result="refused"}`:                        "0+60x120",
	`login_attempts_total{job="lanyard",method="password",result="throttled"}`:                      "0+1x120",
	`login_attempts_total{job="lanyard",method="password",result="error"}`:                          "0x120",
	`signing_key_age_seconds{job="lanyard",instance="a",alg="RS256"}`:                               "7000000+60x120",
	`jobs_duration_seconds_count{job="lanyard",exported_job="clean-up",result="error"}`:             "1x120",
	`jobs_duration_seconds_count{job="lanyard",exported_job="clean-up",result="ok"}`:                "0+1x120",
	`mail_queue_age_seconds{job="lanyard",instance="a"}`:                                            "30x120",
	`db_up{job="lanyard",instance="a"}`:                                                             "1x120",
	`db_up{job="lanyard",instance="b"}`:                                                             "1x120",
	`jobs_last_success_timestamp_seconds{job="lanyard",instance="a",exported_job="clean-up"}`:       "0x120",
	`jobs_last_success_timestamp_seconds{job="lanyard",instance="b",exported_job="clean-up"}`:       "0+60x120",
	`jobs_last_success_timestamp_seconds{job="lanyard",instance="a",exported_job="signing-keys"}`:   "0+60x120",
	`webhook_queue_age_seconds{job="lanyard",instance="a"}`:                                         "70000x120",
	`mail_sent_total{job="lanyard",result="failed"}`:                                                "2x120",
	`webhook_sent_total{job="lanyard",result="sent"}`:                                               "0+100x120",
	`webhook_sent_total{job="lanyard",result="postponed"}`:                                          "0+10x120",
	`db_pool_open_connections{job="lanyard",instance="a",state="used"}`:                             "12x120",
	`db_pool_max_connections{job="lanyard",instance="a"}`:                                           "16x120",
	`db_pool_wait_seconds_total{job="lanyard",instance="a"}`:                                        "0x120",
	`password_hash_seconds_bucket{job="lanyard",le="0.08"}`:                                         "0+100x120",
	`password_hash_seconds_bucket{job="lanyard",le="0.64"}`:                                         "0+100x120",
	`password_hash_seconds_bucket{job="lanyard",le="+Inf"}`:                                         "0+100x120",
}

// ill is what differs from well when an alert has to fire; an empty text takes a series away.
var ill = map[string]map[string]string{
	"LanyardDown":                         {`up{job="lanyard",instance="a"}`: "0x120", `up{job="lanyard",instance="b"}`: "0x120"},
	"LanyardReplicaDown":                  {`up{job="lanyard",instance="b"}`: "0x120"},
	"LanyardRestarts":                     {`process_start_time_seconds{job="lanyard",instance="a"}`: "1000+300x120"},
	"LanyardErrors":                       {`http_request_duration_seconds_count{job="lanyard",route="/oauth/token",code="503"}`: "0+30x120"},
	"LanyardSlow":                         {`http_request_duration_seconds_bucket{job="lanyard",route="/oauth/token",code="200",le="0.1"}`: "0+500x120"},
	"LanyardSignInsFail":                  {`login_attempts_total{job="lanyard",method="password",result="refused"}`: "0+900x120"},
	"LanyardThrottles":                    {`login_attempts_total{job="lanyard",method="password",result="throttled"}`: "0+60x120"},
	"LanyardSignInErrors":                 {`login_attempts_total{job="lanyard",method="password",result="error"}`: "0+1x120"},
	"LanyardKeyTooOld":                    {`signing_key_age_seconds{job="lanyard",instance="a",alg="RS256"}`: "8700000+60x120"},
	"LanyardJobsFail":                     {`jobs_duration_seconds_count{job="lanyard",exported_job="clean-up",result="error"}`: "0+1x120"},
	"LanyardMailWaits":                    {`mail_queue_age_seconds{job="lanyard",instance="a"}`: "0+60x120"},
	"LanyardMailFails":                    {`mail_sent_total{job="lanyard",result="failed"}`: "0+1x120"},
	"LanyardWebhooksFail":                 {`webhook_sent_total{job="lanyard",result="postponed"}`: "0+150x120"},
	"LanyardDatabaseDown":                 {`db_up{job="lanyard",instance="a"}`: "0x120", `db_up{job="lanyard",instance="b"}`: "0x120"},
	"LanyardReplicaWithoutDatabase":       {`db_up{job="lanyard",instance="b"}`: "0x120"},
	"LanyardJobsStand":                    {`jobs_last_success_timestamp_seconds{job="lanyard",instance="b",exported_job="clean-up"}`: "0+60x60 3600x60"},
	"LanyardWebhooksWait":                 {`webhook_queue_age_seconds{job="lanyard",instance="a"}`: "86000+60x120"},
	"LanyardDatabaseConnectionsExhausted": {`db_pool_open_connections{job="lanyard",instance="a",state="used"}`: "16x120", `db_pool_wait_seconds_total{job="lanyard",instance="a"}`: "0+30x120"},
	"LanyardHashesSlow":                   {`password_hash_seconds_bucket{job="lanyard",le="0.08"}`: "0+1x120"},
}

// TestAlertsFireAsMeant: on a quiet day nothing fires; of each illness its own alert does,
// and no other.
func TestAlertsFireAsMeant(t *testing.T) {
	promtool := testkit.Need(t, "promtool")
	rules := filepath.Join(testkit.Root(), "deploy", "prometheus", "alerts.yaml")
	if out, err := exec.Command(promtool, "check", "rules", "--lint-fatal", rules).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	type sample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
	type scenario struct {
		Name   string              `json:"name"`
		Step   string              `json:"interval"`
		Series []map[string]string `json:"input_series"`
		Tests  []map[string]any    `json:"promql_expr_test"`
	}
	var scenarios []scenario
	add := func(name string, differs map[string]string, fires []string) {
		state := maps.Clone(well)
		maps.Copy(state, differs)
		s := scenario{Name: name, Step: "1m"}
		for _, key := range slices.Sorted(maps.Keys(state)) {
			if state[key] != "" {
				s.Series = append(s.Series, map[string]string{"series": key, "values": state[key]})
			}
		}
		samples := []sample{}
		for _, alert := range fires {
			samples = append(samples, sample{fmt.Sprintf("{alertname=%q}", alert), 1})
		}
		s.Tests = []map[string]any{{"expr": `count by (alertname) (ALERTS{alertstate="firing"}) > bool 0`, "eval_time": "119m", "exp_samples": samples}}
		scenarios = append(scenarios, s)
	}
	add("a quiet day", nil, nil)
	for _, r := range alertRules(t) {
		if ill[r.Alert] == nil {
			t.Errorf("%s is not tried", r.Alert)
		}
		fires := []string{r.Alert}
		if r.Alert == "LanyardDown" {
			fires = []string{"LanyardDown", "LanyardReplicaDown"}
		}
		add(r.Alert, ill[r.Alert], fires)
	}
	add("nothing is there", map[string]string{`up{job="lanyard",instance="a"}`: "", `up{job="lanyard",instance="b"}`: ""}, []string{"LanyardDown"})
	// A replica that has just started knows of no success: 0 is no time.
	cleanUp := func(instance string) string {
		return fmt.Sprintf(`jobs_last_success_timestamp_seconds{job="lanyard",instance=%q,exported_job="clean-up"}`, instance)
	}
	const start, keys = `process_start_time_seconds{job="lanyard",instance="a"}`, `jobs_last_success_timestamp_seconds{job="lanyard",instance="a",exported_job="signing-keys"}`
	add("all were restarted", map[string]string{start: "1000x110 6600x10", cleanUp("b"): "0+60x80 0x40", keys: "0x120"}, nil)
	add("who ran the jobs is gone", map[string]string{cleanUp("b"): "0+60x100", cleanUp("c"): "_x100 0x20"}, nil)
	add("no job ever succeeds", map[string]string{cleanUp("b"): "0x120"}, []string{"LanyardJobsStand"})
	data, err := yaml.Marshal(map[string]any{"rule_files": []string{rules}, "evaluation_interval": "1m", "tests": scenarios})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.yaml")
	write(t, file, string(data))
	if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
