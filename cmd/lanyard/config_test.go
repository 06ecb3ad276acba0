package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// good is a configuration that serve takes.
func good() []string {
	return []string{
		"LANYARD_DATABASE_URL=sqlite:test.db", "LANYARD_KEYS_MASTER_KEY=" + master, "LANYARD_SERVER_ISSUER=https://id.example.test",
	}
}

// with replaces or adds variables.
func with(environ []string, pairs ...string) []string {
	out := append([]string(nil), environ...)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		kept := out[:0]
		for _, old := range out {
			if !strings.HasPrefix(old, name+"=") {
				kept = append(kept, old)
			}
		}
		if out = kept; value != "" {
			out = append(out, pair)
		}
	}
	return out
}

func TestConfigurationIsCheckedAsAWhole(t *testing.T) {
	cases := map[string]struct {
		environ []string
		file    string
		set     []string
		want    []string // complaints; none if empty
	}{
		"good": {environ: good()},
		"all from a file": {
			file: "server: {issuer: 'https://id.example.test'}\ndatabase: {url: 'postgres://u:p@db/x'}\nkeys: {master_key: " + master + "}\n",
		},
		"unknown keys with their place": {
			environ: good(), file: "server:\n  isuer: x\nloging: {}\n",
			want: []string{`:2:3: unknown key "isuer"; did you mean "issuer"?`, `:3:1: unknown key "loging"; did you mean "log"?`},
		},
		"wrong values with their place": {
			environ: good(), file: "server:\n  replicas: many\nlog:\n  level: loud\n  format: xml\n",
			want: []string{":2:13: replicas has to be a whole number", ":4:10: level: it is debug, info, warn or error", ":5:3: log.format is auto, json or text"},
		},
		"unknown variable": {
			environ: with(good(), "LANYARD_SEVER_LISTEN=x"),
			want:    []string{`unknown variable "LANYARD_SEVER_LISTEN"; did you mean "LANYARD_SERVER_LISTEN"?`},
		},
		"variables of other people": {
			environ: with(good(), "LANYARD_SERVICE_HOST=10.0.0.1", "LANYARD_SERVICE_PORT=80", "LANYARD_SERVICE_PORT_HTTP=80", "LANYARD_PORT=tcp://10.0.0.1:80",
				"LANYARD_PORT_80_TCP=tcp://10.0.0.1:80", "LANYARD_PORT_80_TCP_ADDR=10.0.0.1", "LANYARD_OPERATIONS_SERVICE_HOST=10.0.0.2",
				"LANYARD_OPERATIONS_PORT=tcp://10.0.0.2:8081", "LANYARDS=1", "OTHER=1"),
		},
		"a mistake that looks like theirs": {
			environ: with(good(), "LANYARD_SERVER_PORT=8080"), want: []string{`unknown variable "LANYARD_SERVER_PORT"`},
		},
		"wrong variable": {
			environ: with(good(), "LANYARD_SERVER_REPLICAS=x", "LANYARD_LOG_LEVEL=x"),
			want:    []string{"LANYARD_SERVER_REPLICAS: it has to be a whole number", "LANYARD_LOG_LEVEL: it is debug, info, warn or error"},
		},
		"secret as argument": {
			environ: good(), set: []string{"keys.master_key=x", "database.url=sqlite:x"},
			want: []string{"--set keys.master_key: a secret is never an argument", "--set database.url: a secret is never an argument"},
		},
		"wrong flags": {
			environ: good(), set: []string{"nothing", "server.lisen=x"},
			want: []string{"--set nothing is not section.key=value", `unknown key "server.lisen"; did you mean "server.listen"?`},
		},
		"nothing at all": {
			want: []string{"database.url is missing", "keys.master_key is missing", "server.issuer is missing"},
		},
		"http off loopback": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=http://id.example.test"), want: []string{"server.issuer must be https"},
		},
		"http on loopback": {environ: with(good(), "LANYARD_SERVER_ISSUER=http://localhost:8080")},
		"trailing slash": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=https://id.example.test/"), want: []string{"server.issuer has no trailing slash"},
		},
		"query in the issuer": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=https://id.example.test?a=b"), want: []string{"server.issuer has no user information, query or fragment"},
		},
		"user in the issuer": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=https://a@id.example.test"), want: []string{"server.issuer has no user information"},
		},
		"upper case in the issuer": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=https://ID.example.test"), want: []string{"server.issuer is not in its plain form"},
		},
		"path of tenants": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=https://id.example.test/t/a"), want: []string{"must not have a path of tenants"},
		},
		"path": {environ: with(good(), "LANYARD_SERVER_ISSUER=https://id.example.test/auth")},
		"no URL": {
			environ: with(good(), "LANYARD_SERVER_ISSUER=id.example.test"), want: []string{"server.issuer is not an https URL"},
		},
		"replicas on SQLite": {
			environ: with(good(), "LANYARD_SERVER_REPLICAS=2"), want: []string{"SQLite serves one replica"},
		},
		"replicas on PostgreSQL": {environ: with(good(), "LANYARD_SERVER_REPLICAS=2", "LANYARD_DATABASE_URL=postgres://db/x")},
		"unknown database": {
			environ: with(good(), "LANYARD_DATABASE_URL=mysql://db/x"), want: []string{"database.url begins with sqlite: or postgres://"},
		},
		"certificate without key": {
			environ: with(good(), "LANYARD_SERVER_TLS_CERT=x"), want: []string{"server.tls_cert and server.tls_key go together"},
		},
		"proxies": {environ: with(good(), "LANYARD_SERVER_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.1, fd00::/8")},
		"bad proxies": {
			environ: with(good(), "LANYARD_SERVER_TRUSTED_PROXIES=10.0.0.0/99,0.0.0.0/0"),
			want:    []string{"10.0.0.0/99 is not a network", "0.0.0.0/0 would believe everybody"},
		},
		"bad master key": {
			environ: with(good(), "LANYARD_KEYS_MASTER_KEY=secret"), want: []string{"a master key is 32 random bytes"},
		},
		"bad peer": {
			environ: with(good(), "LANYARD_OUTBOUND_ALLOW=http://x"), want: []string{"outbound.allow: http://x is not host:port"},
		},
		"empty secret file": {
			environ: with(good(), "LANYARD_KEYS_MASTER_KEY=", "LANYARD_KEYS_MASTER_KEY_FILE=/dev/null"), want: []string{"keys.master_key_file: the file is empty"},
		},
		"bad proxy": {
			environ: with(good(), "LANYARD_OUTBOUND_PROXY=socks://x"), want: []string{"outbound:"},
		},
		"missing secret file": {
			environ: with(good(), "LANYARD_KEYS_MASTER_KEY=", "LANYARD_KEYS_MASTER_KEY_FILE=/nonexistent"), want: []string{"keys.master_key_file: open /nonexistent"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := []string{"config", "check"}
			if c.file != "" {
				args = append(args, "--config", write(t, "lanyard.yaml", c.file))
			}
			for _, set := range c.set {
				args = append(args, "--set", set)
			}
			code, out, errOut := command(t, c.environ, args...)
			if len(c.want) == 0 && code != exitOK {
				t.Fatalf("got %d: %s%s", code, out, errOut)
			}
			if len(c.want) > 0 && code != exitFailure {
				t.Fatalf("got %d: %s", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("no complaint %q in\n%s", want, errOut)
				}
			}
			if len(c.want) != strings.Count(errOut, "\n") {
				t.Errorf("wanted %d complaints, got\n%s", len(c.want), errOut)
			}
		})
	}
}

func load(t *testing.T, s configSource, environ ...string) Config {
	t.Helper()
	config, err := s.load(&program{environ: environ}, needs{})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestStrongerLayerWins(t *testing.T) {
	file := write(t, "lanyard.yaml", "server: {listen: 'file:1', issuer: 'https://file.test', trusted_proxies: [10.0.0.0/8]}\nlog: {level: warn}\n")
	environ := []string{"LANYARD_CONFIG=" + file, "LANYARD_SERVER_LISTEN=env:1", "LANYARD_LOG_LEVEL=error", "LANYARD_SERVER_TRUSTED_PROXIES=192.0.2.0/24"}
	c := load(t, configSource{Set: []string{"server.listen=flag:1"}}, environ...)
	if c.Server.Listen != "flag:1" || c.Server.Issuer != "https://file.test" || c.Log.Level.String() != "ERROR" || c.Operations.Listen != ":8081" {
		t.Errorf("got %+v", c)
	}
	if len(c.Server.TrustedProxies) != 1 || c.Server.TrustedProxies[0] != "192.0.2.0/24" {
		t.Errorf("lists were mixed: %v", c.Server.TrustedProxies)
	}
	other := write(t, "other.yaml", "server: {listen: 'other:1'}\n")
	if c := load(t, configSource{Config: other}, "LANYARD_CONFIG="+file); c.Server.Listen != "other:1" {
		t.Error("LANYARD_CONFIG beats --config")
	}
}

func TestSecretComesByFile(t *testing.T) {
	key := write(t, "key", "from-file\n")
	if c := load(t, configSource{}, "LANYARD_KEYS_MASTER_KEY_FILE="+key); c.Keys.MasterKey.Reveal() != "from-file" {
		t.Errorf("got %q", c.Keys.MasterKey.Reveal())
	}
	inFile := write(t, "lanyard.yaml", "keys: {master_key_file: "+key+"}\n")
	if c := load(t, configSource{Config: inFile}, "LANYARD_KEYS_MASTER_KEY=stronger"); c.Keys.MasterKey.Reveal() != "stronger" {
		t.Error("a file of a weaker layer won")
	}
	plain := write(t, "plain.yaml", "keys: {master_key: weaker}\n")
	if c := load(t, configSource{Config: plain}, "LANYARD_KEYS_MASTER_KEY_FILE="+key); c.Keys.MasterKey.Reveal() != "from-file" {
		t.Error("a value of a weaker layer won")
	}
	_, err := configSource{}.load(&program{environ: []string{"LANYARD_KEYS_MASTER_KEY=a", "LANYARD_KEYS_MASTER_KEY_FILE=" + key}}, needs{})
	if err == nil || !strings.Contains(err.Error(), "are both given") {
		t.Errorf("got %v", err)
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	environ := with(good(), "LANYARD_DATABASE_URL=postgres://lanyard:hunter2@db/x")
	code, out, errOut := command(t, environ, "config", "print")
	if code != exitOK || strings.Contains(out+errOut, "hunter2") || strings.Contains(out+errOut, master) {
		t.Errorf("got %d:\n%s%s", code, out, errOut)
	}
	if !strings.Contains(out, `url: "[secret]"`) || !strings.Contains(out, `issuer: "https://id.example.test"`) {
		t.Errorf("got\n%s", out)
	}
	// What is printed is a file that can be read again, but for the secrets.
	again := write(t, "again.yaml", strings.ReplaceAll(out, `"[secret]"`, `"sqlite:x"`))
	if _, err := (configSource{Config: again}).load(&program{}, needs{}); err != nil {
		t.Error(err)
	}
}

func TestComplaintsShowNoSecret(t *testing.T) {
	environ := with(good(), "LANYARD_KEYS_MASTER_KEY=hunter2", "LANYARD_DATABASE_URL=mysql://u:hunter2@db")
	if _, out, errOut := command(t, environ, "config", "check"); strings.Contains(out+errOut, "hunter2") {
		t.Errorf("got\n%s%s", out, errOut)
	}
	_, out, errOut := command(t, with(good(), "LANYARD_DATABASE_URL=postgres://u:hunter2@host:notaport/x"), "migrate", "up")
	if strings.Contains(out+errOut, "hunter2") {
		t.Errorf("got\n%s%s", out, errOut)
	}
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	_, out, _ := command(t, nil, "config", "schema")
	var schema struct {
		Properties map[string]struct {
			Properties map[string]struct{ Type, Description string }
		}
	}
	if err := json.Unmarshal([]byte(out), &schema); err != nil {
		t.Fatal(err)
	}
	config := defaults()
	for _, f := range config.fields() {
		section, key, _ := strings.Cut(f.key, ".")
		got := schema.Properties[section].Properties[key]
		if got.Type == "" || !strings.Contains(got.Description, f.env()) || f.help == "" {
			t.Errorf("%s: %+v", f.key, got)
		}
	}
}

// TestMasterKeyIsNeverMade is the line "no silent new key" of the refusals.
func TestMasterKeyIsNeverMade(t *testing.T) {
	t.Chdir(t.TempDir())
	environ := with(good(), "LANYARD_KEYS_MASTER_KEY=", "LANYARD_KEYS_MASTER_KEY_FILE=master.key")
	for _, args := range [][]string{{"serve"}, {"serve", "--migrate"}, {"setup-link"}, {"apply", "-f", "x"}} {
		if code, _, _ := command(t, environ, args...); code != exitFailure {
			t.Errorf("%v: got %d", args, code)
		}
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("files were made: %v", left)
	}
}
