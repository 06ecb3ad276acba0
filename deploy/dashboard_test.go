package deploy

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// dashboard is what we use of Grafana's format, and no more.
type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Version       int        `json:"version"`
	Editable      bool       `json:"editable"`
	Timezone      string     `json:"timezone"`
	Refresh       string     `json:"refresh"`
	GraphTooltip  int        `json:"graphTooltip"`
	Time          timeRange  `json:"time"`
	Templating    templating `json:"templating"`
	Panels        []panel    `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"`
	Query      string      `json:"query"`
	Datasource *datasource `json:"datasource"`
	Refresh    int         `json:"refresh"`
	Multi      bool        `json:"multi"`
	IncludeAll bool        `json:"includeAll"`
	AllValue   string      `json:"allValue"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int             `json:"id"`
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Datasource  datasource      `json:"datasource"`
	GridPos     place           `json:"gridPos"`
	FieldConfig json.RawMessage `json:"fieldConfig"`
	Options     json.RawMessage `json:"options"`
	Targets     []target        `json:"targets"`
	Collapsed   bool            `json:"collapsed"`
	Panels      []panel         `json:"panels"`
}

type place struct{ H, W, X, Y int }

type target struct {
	RefID        string     `json:"refId"`
	Datasource   datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
}

func readDashboard(t testing.TB) dashboard {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(read(t, "deploy/grafana/lanyard.json")))
	decoder.DisallowUnknownFields()
	var d dashboard
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDashboardIsWhole: its panels are apart, have ids and data sources that any
// Grafana can fill in, and show every part of the product.
func TestDashboardIsWhole(t *testing.T) {
	d := readDashboard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("%s: id %d is there twice, or none", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x > 23 {
					t.Fatalf("%s lies on %s, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: description %q, %d targets, data source %q", p.Title, p.Description, len(p.Targets), p.Datasource.UID)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || target.LegendFormat == "" {
				t.Errorf("%s %s: %+v", p.Title, target.RefID, target)
			}
		}
	}
	if v := d.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" || v.Query != "prometheus" {
		t.Errorf("the first variable is %+v", v)
	}
}

// plain replaces the variables of the dashboard by something that PromQL takes.
func plain(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$job", "lanyard", "$instance", ".*").Replace(expr)
}

// TestDashboardNamesWhatTheServerMeasures: its expressions are PromQL over metrics and
// labels that a running server has, and none of ours is left out.
func TestDashboardNamesWhatTheServerMeasures(t *testing.T) {
	promtool, measured := testkit.Need(t, "promtool"), measured(t)
	var rules []map[string]string
	var everything strings.Builder
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			expr := plain(target.Expr)
			for _, complaint := range measured.knows(expr) {
				t.Errorf("%s %s: %s", p.Title, target.RefID, complaint)
			}
			for _, label := range word.FindAllString(target.LegendFormat, -1) {
				if strings.Contains(target.LegendFormat, "{{"+label+"}}") && len(measured.knows("sum by ("+label+") ("+selector.FindString(expr)+")")) > 0 {
					t.Errorf("%s %s: the legend names %s", p.Title, target.RefID, label)
				}
			}
			rules = append(rules, map[string]string{"record": fmt.Sprintf("panel_%d_%s", p.ID, target.RefID), "expr": expr})
			everything.WriteString(expr)
		}
	}
	data, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, file, string(data))
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range []string{"http_request_duration_seconds", "oidc_tokens_issued_total", "login_attempts_total", "password_hash_seconds", "jobs_duration_seconds", "mail_sent_total",
		"webhook_sent_total", "mail_queue_length", "mail_queue_age_seconds", "webhook_queue_length", "webhook_queue_age_seconds", "signing_key_age_seconds", "db_pool_open_connections", "db_pool_wait_seconds_total", "db_up", "jobs_last_success_timestamp_seconds", "jobs_lease_held", "build_info", "process_resident_memory_bytes"} {
		if !strings.Contains(everything.String(), name) {
			t.Errorf("nothing shows %s", name)
		}
	}
}
