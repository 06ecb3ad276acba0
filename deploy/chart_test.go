package deploy

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// base is what has no default.
const base = "issuer: https://id.example.com\nexistingSecret: {name: lanyard-secrets}\n"

// valueSets are the combinations that matter; each is laid over base, key by key.
var valueSets = map[string]string{
	"default":           "",
	"sqlite":            "{database: {type: sqlite}, replicaCount: 1}",
	"sqlite of a claim": "{database: {type: sqlite, sqlite: {existingClaim: old}}, replicaCount: 1, podDisruptionBudget: {enabled: false}, extraObjects: [{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: old}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}",
	"confined sqlite":   "{database: {type: sqlite, sqlite: {storageClassName: fast, size: 1Gi}}, replicaCount: 1, networkPolicy: {enabled: true}, migrations: {mode: hook}}",
	"autoscaling":       "{autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 9, targetMemoryUtilizationPercentage: 80, behavior: {scaleDown: {stabilizationWindowSeconds: 300}}}, podDisruptionBudget: {minAvailable: 2}}",
	"ingress":           "{ingress: {enabled: true}}",
	"ingress with TLS":  "{trustedProxies: [10.0.0.0/8, 'fd00::/8', 192.0.2.1], ingress: {enabled: true, className: nginx, annotations: {cert-manager.io/cluster-issuer: letsencrypt}, hosts: [id.example.com, login.acme.example.com], tls: [{secretName: id-tls, hosts: [id.example.com, login.acme.example.com]}]}}",
	"gateway":           "{httpRoute: {enabled: true, annotations: {a: b}, parentRefs: [{name: public, namespace: gateways, sectionName: https}]}}",
	"gateway and more":  "{httpRoute: {enabled: true, hostnames: [id.example.com, login.acme.example.com], parentRefs: [{name: public}]}, service: {type: LoadBalancer, port: 8443, annotations: {a: b}}}",
	"confined":          "{networkPolicy: {enabled: true}, mail: {host: mail.example.com, from: no-reply@example.com}}",
	"confined tightly":  "{networkPolicy: {enabled: true, from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}], operationsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}], egress: {databaseTo: [{ipBlock: {cidr: 10.1.0.0/16}}], databasePort: 6432, mailTo: [{ipBlock: {cidr: 10.2.0.0/16}}], httpsTo: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], extra: [{ports: [{protocol: TCP, port: 4318}]}]}}, mail: {host: mail.example.com, from: no-reply@example.com, tls: implicit}}",
	"monitored":         "{metrics: {serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 15s}}}",
	"mail":              "{mail: {host: smtp.example.com, port: 2525, username: lanyard, from: no-reply@example.com}, existingSecret: {name: lanyard-secrets, keys: {masterKey: a, databaseUrl: b, mailPassword: c}}}",
	"secret by name":    "{existingSecret: lanyard-secrets}",
	"secrets of others": "{existingSecret: {name: ''}, extraEnv: [{name: LANYARD_KEYS_MASTER_KEY_FILE, value: /run/vault/master}, {name: LANYARD_DATABASE_URL, valueFrom: {secretKeyRef: {name: database, key: url}}}], extraVolumes: [{name: vault, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: lanyard}}}], extraVolumeMounts: [{name: vault, mountPath: /run/vault, readOnly: true}]}",
	"secrets by source": "{existingSecret: {name: ''}, extraEnvFrom: [{secretRef: {name: everything}}]}",
	"half of each":      "{existingSecret: {name: lanyard-secrets, keys: {databaseUrl: ''}}, extraEnv: [{name: LANYARD_DATABASE_URL, valueFrom: {secretKeyRef: {name: cluster-app, key: uri}}}]}",
	"no account":        "{serviceAccount: {create: false}}",
	"an account":        "{serviceAccount: {name: identity, annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/lanyard'}}, imagePullSecrets: [{name: pull}]}",
	"migrates in pods":  "{migrations: {mode: init}}",
	"migrates not":      "{migrations: {enabled: false}}",
	"another image":     "{image: {registry: 'images.example.com', repository: team/lanyard, tag: 0.2.0-rc.1, pullPolicy: Always}}",
	"image by digest":   "{image: {tag: 0.2.0, digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}}",
	"names":             "{fullnameOverride: sso, nameOverride: identity, metrics: {serviceMonitor: {enabled: true}}}",
	"more settings":     "{config: {outbound: {allow: ['idp.internal:443']}, database: {max_connections: 40}}, log: {level: debug, format: text}, podAnnotations: {a: b}, podLabels: {c: d}}",
	"a path":            "{issuer: 'https://example.com:8443/id', ingress: {enabled: true}, httpRoute: {enabled: true, parentRefs: [{name: public}]}}",
	"scheduling":        "{topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}, nodeSelector: {a: b}, tolerations: [{key: a, operator: Exists}], priorityClassName: high, resources: {limits: {memory: 1Gi, cpu: 2}}, terminationGracePeriodSeconds: 60}",
	"more objects":      "{extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: '{{ .Release.Name }}-more'}, data: {a: b}}, \"apiVersion: v1\\nkind: Secret\\nmetadata:\\n  name: {{ include \\\"lanyard.fullname\\\" . }}-more\\nstringData: {a: b}\\n\"]}",
	"what null takes":   "{podDisruptionBudget: {minAvailable: null}}",
	"strict budget":     "{replicaCount: 5, podDisruptionBudget: {minAvailable: 60%}}",
}

// release is the name under which the chart is rendered.
const release = "id"

// valuesFile lays values over base and writes them to a file.
func valuesFile(t testing.TB, over string) string {
	t.Helper()
	values := map[string]any{}
	for _, text := range []string{base, over} {
		if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	data, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "values.yaml")
	write(t, path, string(data))
	return path
}

// helm runs helm on the chart, which comes behind the command, and tells whether it succeeded.
func helm(t testing.TB, file string, command ...string) (string, bool) {
	t.Helper()
	command = append(command, filepath.Join(testkit.Root(), "deploy", "helm"), "--values", file, "--namespace", "identity")
	out, err := exec.Command(testkit.Need(t, "helm"), command...).CombinedOutput()
	return string(out), err == nil
}

// rendered is the chart with some values: its objects, decoded by their own types.
type rendered struct {
	t       testing.TB
	text    string
	objects []object
}

type object struct {
	runtime.Object
	meta *meta.ObjectMeta
	kind string
}

// render renders the chart and decodes what comes out strictly.
func render(t testing.TB, over string) *rendered {
	t.Helper()
	text, ok := helm(t, valuesFile(t, over), "template", release)
	if !ok {
		t.Fatalf("helm template: %s", text)
	}
	r := &rendered{t: t, text: text}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apps.AddToScheme, autoscaling.AddToScheme, batch.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme,
		gateway.Install, monitoring.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	for document := range strings.SplitSeq(text, "\n---\n") {
		if strings.TrimSpace(regexp.MustCompile(`(?m)^(#.*|---)$`).ReplaceAllString(document, "")) == "" {
			continue
		}
		decoded, kind, err := decoder.Decode([]byte(document), nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		r.objects = append(r.objects, object{decoded, objectMeta(t, decoded), kind.Kind})
	}
	return r
}

func objectMeta(t testing.TB, o runtime.Object) *meta.ObjectMeta {
	t.Helper()
	accessor, ok := o.(interface{ GetObjectMeta() meta.Object })
	if !ok {
		t.Fatalf("%T has no metadata", o)
	}
	m, ok := accessor.GetObjectMeta().(*meta.ObjectMeta)
	if !ok {
		t.Fatalf("%T has odd metadata", o)
	}
	return m
}

// all gives the objects of a type.
func all[T runtime.Object](r *rendered) []T {
	var out []T
	for _, o := range r.objects {
		if typed, ok := o.Object.(T); ok {
			out = append(out, typed)
		}
	}
	return out
}

// one gives the only object of a type.
func one[T runtime.Object](r *rendered) T {
	r.t.Helper()
	found := all[T](r)
	if len(found) != 1 {
		var none T
		r.t.Fatalf("%d objects of %T, want one", len(found), none)
	}
	return found[0]
}

// pod is a pod that the release runs.
type pod struct {
	whose string
	core.PodTemplateSpec
	hook bool
}

func (r *rendered) server() pod {
	d := one[*apps.Deployment](r)
	return pod{"the deployment", d.Spec.Template, false}
}

func (r *rendered) pods() []pod {
	out := []pod{r.server()}
	for _, j := range all[*batch.Job](r) {
		out = append(out, pod{"the migration", j.Spec.Template, true})
	}
	for _, p := range all[*core.Pod](r) {
		out = append(out, pod{"the test", core.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}, false})
	}
	return out
}

func (p pod) containers() []core.Container {
	return slices.Concat(p.Spec.InitContainers, p.Spec.Containers)
}

// examine walks everything that one object says about another, or about the binary,
// whose operations listener is at ops.
func (r *rendered) examine(ops string) {
	r.t.Helper()
	r.pathsAreThere(ops)
	r.namesAreUnique()
	r.selectorsMeetPods()
	r.portsMeet()
	r.podsAreWhole()
	r.podsAreConfined()
	r.hooksStandAlone()
	r.configIsTaken()
	r.bordersMeet()
}

func (r *rendered) namesAreUnique() {
	seen := map[string]bool{}
	for _, o := range r.objects {
		id := o.kind + " " + o.meta.Name
		if seen[id] || o.meta.Name == "" || len(o.meta.Name) > 63 {
			r.t.Errorf("%s is there twice, or has no name that can be used", id)
		}
		seen[id] = true
	}
}

// selectorsMeetPods: whatever selects the server selects it, and nothing else.
func (r *rendered) selectorsMeetPods() {
	r.t.Helper()
	selectors := map[string]labels.Set{"the deployment": one[*apps.Deployment](r).Spec.Selector.MatchLabels}
	for _, s := range all[*core.Service](r) {
		selectors["service "+s.Name] = s.Spec.Selector
	}
	for _, b := range all[*policy.PodDisruptionBudget](r) {
		selectors["the disruption budget"] = b.Spec.Selector.MatchLabels
	}
	for _, p := range all[*networking.NetworkPolicy](r) {
		if p.Annotations["helm.sh/hook"] == "" {
			selectors["network policy "+p.Name] = p.Spec.PodSelector.MatchLabels
		}
	}
	for whose, selector := range selectors {
		for _, p := range r.pods() {
			if got, want := selector.AsSelector().Matches(labels.Set(p.Labels)), p.whose == "the deployment"; got != want {
				r.t.Errorf("%s selects the pods of %s: %v", whose, p.whose, got)
			}
		}
	}
	for _, p := range all[*networking.NetworkPolicy](r) {
		if p.Annotations["helm.sh/hook"] != "" && !labels.Set(p.Spec.PodSelector.MatchLabels).AsSelector().Matches(labels.Set(one[*batch.Job](r).Spec.Template.Labels)) {
			r.t.Error("the hook's network policy does not select the migration")
		}
	}
	for _, s := range all[*monitoring.ServiceMonitor](r) {
		var met []string
		for _, service := range all[*core.Service](r) {
			if labels.Set(s.Spec.Selector.MatchLabels).AsSelector().Matches(labels.Set(service.Labels)) {
				met = append(met, service.Name)
			}
		}
		if len(met) != 1 || !strings.HasSuffix(met[0], "-operations") {
			r.t.Errorf("the service monitor finds %v", met)
		}
	}
	for _, a := range all[*autoscaling.HorizontalPodAutoscaler](r) {
		d := one[*apps.Deployment](r)
		if a.Spec.ScaleTargetRef.Name != d.Name || a.Spec.ScaleTargetRef.Kind != "Deployment" || d.Spec.Replicas != nil {
			r.t.Errorf("the autoscaler scales %+v, which has its own replicas: %v", a.Spec.ScaleTargetRef, d.Spec.Replicas)
		}
	}
}

// portsMeet: services, probes, policies and the monitor name ports that the container has.
func (r *rendered) portsMeet() {
	r.t.Helper()
	container := r.server().Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
	}
	if diff := cmp.Diff(map[string]int32{"http": 8080, "operations": 8081}, ports); diff != "" {
		r.t.Error(diff)
	}
	check := func(where string, port intstr.IntOrString, want string) {
		r.t.Helper()
		if port.Type != intstr.String || port.StrVal != want {
			r.t.Errorf("%s: port %s, want %s", where, port.String(), want)
		}
	}
	for _, s := range all[*core.Service](r) {
		want := map[bool]string{true: "operations", false: "http"}[strings.HasSuffix(s.Name, "-operations")]
		if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].Name != want {
			r.t.Errorf("service %s has the ports %+v", s.Name, s.Spec.Ports)
		}
		check("service "+s.Name, s.Spec.Ports[0].TargetPort, want)
		if want == "operations" && s.Spec.ClusterIP != core.ClusterIPNone {
			r.t.Errorf("service %s is not headless: its metrics would be those of any replica", s.Name)
		}
	}
	for path, probe := range map[string]*core.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe, "/healthz ": container.StartupProbe} {
		check("probe "+path, probe.HTTPGet.Port, "operations")
		if path = strings.TrimSpace(path); probe.HTTPGet.Path != path {
			r.t.Errorf("a probe asks %s, want %s", probe.HTTPGet.Path, path)
		}
	}
	for _, m := range all[*monitoring.ServiceMonitor](r) {
		if m.Spec.Endpoints[0].Port != "operations" {
			r.t.Errorf("the monitor scrapes %s", m.Spec.Endpoints[0].Port)
		}
		relabelings := m.Spec.Endpoints[0].RelabelConfigs
		if len(relabelings) != 1 || relabelings[0].TargetLabel != "job" || relabelings[0].Replacement == nil || *relabelings[0].Replacement != "lanyard" || m.Spec.JobLabel != "" {
			r.t.Errorf("the job has not the name that alerts and dashboard ask for: %+v", relabelings)
		}
	}
	for _, p := range all[*networking.NetworkPolicy](r) {
		for _, rule := range p.Spec.Ingress {
			if port := rule.Ports[0].Port; port.StrVal == "operations" && len(rule.From) == 0 {
				r.t.Error("everybody may read the metrics")
			} else if ports[port.StrVal] == 0 {
				r.t.Errorf("the network policy opens %s", port.String())
			}
		}
	}
}

// pathsAreThere: the operations listener of the binary has what is asked of it.
func (r *rendered) pathsAreThere(ops string) {
	r.t.Helper()
	container := r.server().Spec.Containers[0]
	paths := []string{container.StartupProbe.HTTPGet.Path, container.LivenessProbe.HTTPGet.Path, container.ReadinessProbe.HTTPGet.Path}
	for _, m := range all[*monitoring.ServiceMonitor](r) {
		paths = append(paths, m.Spec.Endpoints[0].Path)
	}
	for _, path := range paths {
		if status, body := get(ops + path); status != http.StatusOK {
			r.t.Errorf("the binary answers %s with %d %s", path, status, body)
		}
	}
}

// podsAreWhole: what a pod refers to is rendered, or was there before.
func (r *rendered) podsAreWhole() {
	r.t.Helper()
	// What the value sets bring from outside.
	there := map[string]bool{"Secret lanyard-secrets": true, "Secret everything": true, "Secret database": true, "Secret cluster-app": true, "ServiceAccount default": true}
	hooks := map[string]bool{}
	for _, o := range r.objects {
		if o.meta.Annotations["helm.sh/hook"] == "" {
			there[o.kind+" "+o.meta.Name] = true
		} else {
			hooks[o.kind+" "+o.meta.Name] = true
		}
	}
	external := func(name string) bool {
		return strings.HasPrefix(name, "Secret ") && !hooks[name] && there[name] || name == "ServiceAccount default"
	}
	for _, p := range r.pods() {
		needs := func(name string) {
			r.t.Helper()
			if p.hook && !hooks[name] && !external(name) {
				r.t.Errorf("%s needs %s, which is not there yet when the hook runs", p.whose, name)
			} else if !p.hook && !there[name] {
				r.t.Errorf("%s needs %s, which nobody makes", p.whose, name)
			}
		}
		if p.Spec.ServiceAccountName != "" {
			needs("ServiceAccount " + p.Spec.ServiceAccountName)
		}
		volumes := map[string]bool{}
		for _, v := range p.Spec.Volumes {
			volumes[v.Name] = true
			switch {
			case v.ConfigMap != nil:
				needs("ConfigMap " + v.ConfigMap.Name)
			case v.Secret != nil:
				needs("Secret " + v.Secret.SecretName)
				if *v.Secret.DefaultMode != 0o440 {
					r.t.Errorf("secrets have mode %o", *v.Secret.DefaultMode)
				}
			case v.PersistentVolumeClaim != nil:
				needs("PersistentVolumeClaim " + v.PersistentVolumeClaim.ClaimName)
			}
		}
		for _, c := range p.containers() {
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					r.t.Errorf("%s mounts %s, which is no volume", p.whose, m.Name)
				}
			}
			for _, e := range c.Env {
				knowsVariables(r.t, p.whose, e.Name)
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					needs("Secret " + e.ValueFrom.SecretKeyRef.Name)
				}
			}
		}
	}
}

// podsAreConfined is the restricted profile of the pod security standards, and no way to the API.
func (r *rendered) podsAreConfined() {
	r.t.Helper()
	i := readImage(r.t)
	for _, p := range r.pods() {
		s := p.Spec.SecurityContext
		if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || fmt.Sprintf("%d:%d", *s.RunAsUser, *s.RunAsGroup) != i.user || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			r.t.Errorf("%s runs with %+v", p.whose, s)
		}
		if *p.Spec.AutomountServiceAccountToken || *p.Spec.EnableServiceLinks {
			r.t.Errorf("%s has a token of the API, or variables of every service", p.whose)
		}
		for _, c := range p.containers() {
			s := c.SecurityContext
			if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
				r.t.Errorf("%s: %s is not confined", p.whose, c.Name)
			}
			if len(c.Command) > 0 || len(c.Args) == 0 {
				r.t.Errorf("%s: %s does not use the image's entry point: %v %v", p.whose, c.Name, c.Command, c.Args)
			}
			if c.Image != r.server().Spec.Containers[0].Image {
				r.t.Errorf("%s runs another image: %s", p.whose, c.Image)
			}
			if c.Resources.Limits.Memory().IsZero() {
				r.t.Errorf("%s may take all memory", p.whose)
			}
		}
	}
	if grace := *r.server().Spec.TerminationGracePeriodSeconds; grace < 35 {
		r.t.Errorf("it is killed after %d s", grace)
	}
}

// hooksStandAlone: the migration comes before install and upgrade, after what it needs.
func (r *rendered) hooksStandAlone() {
	r.t.Helper()
	weight := func(o *meta.ObjectMeta) int {
		n, err := strconv.Atoi(o.Annotations["helm.sh/hook-weight"])
		if err != nil {
			r.t.Errorf("%s: weight %q", o.Name, o.Annotations["helm.sh/hook-weight"])
		}
		return n
	}
	for _, o := range r.objects {
		hook := o.meta.Annotations["helm.sh/hook"]
		if hook == "" || hook == "test" {
			continue
		}
		if hook != "pre-install,pre-upgrade" || o.meta.Annotations["helm.sh/hook-delete-policy"] != "before-hook-creation,hook-succeeded" {
			r.t.Errorf("%s %s: %v", o.kind, o.meta.Name, o.meta.Annotations)
		}
		if job := one[*batch.Job](r); o.kind != "Job" && weight(o.meta) >= weight(&job.ObjectMeta) {
			r.t.Errorf("%s %s comes too late for the migration", o.kind, o.meta.Name)
		}
	}
}

// configIsTaken asks the binary whether it takes the configuration of each container
// as Kubernetes would lay it out: file, secrets, environment.
func (r *rendered) configIsTaken() {
	r.t.Helper()
	folder := r.t.TempDir()
	config := all[*core.ConfigMap](r)[0]
	write(r.t, filepath.Join(folder, "etc", "lanyard.yaml"), config.Data["lanyard.yaml"])
	secrets := map[string]string{
		"master.key": hex.EncodeToString([]byte(masterKey)), "database.url": "postgres://lanyard:secret@database/lanyard", "mail.password": "secret", "master": hex.EncodeToString([]byte(masterKey)),
	}
	for name, text := range secrets {
		write(r.t, filepath.Join(folder, "secrets", name), text)
	}
	places := strings.NewReplacer("/etc/lanyard", filepath.Join(folder, "etc"), "/run/secrets/lanyard", filepath.Join(folder, "secrets"), "/run/vault", filepath.Join(folder, "secrets"))
	container := r.server().Spec.Containers[0]
	var environ []string
	for _, e := range container.Env {
		value := places.Replace(e.Value)
		if e.ValueFrom != nil {
			value = secrets["database.url"]
		}
		environ = append(environ, e.Name+"="+value)
	}
	if len(container.EnvFrom) > 0 {
		environ = append(environ, "LANYARD_KEYS_MASTER_KEY="+secrets["master.key"], "LANYARD_DATABASE_URL="+secrets["database.url"])
	}
	if code, out := lanyard(r.t, environ, "config", "check"); code != 0 {
		r.t.Errorf("the binary refuses the configuration:\n%s\n%s", out, config.Data["lanyard.yaml"])
	}
	for _, secret := range []string{"master_key:", "password:"} {
		if strings.Contains(config.Data["lanyard.yaml"], secret) {
			r.t.Errorf("a secret is in the config map: %s", secret)
		}
	}
}

// bordersMeet: what leads from outside to the service leads to its public port.
func (r *rendered) bordersMeet() {
	r.t.Helper()
	services := map[string]int32{}
	for _, s := range all[*core.Service](r) {
		if s.Spec.ClusterIP != core.ClusterIPNone {
			services[s.Name] = s.Spec.Ports[0].Port
		}
	}
	for _, i := range all[*networking.Ingress](r) {
		for _, rule := range i.Spec.Rules {
			backend := rule.HTTP.Paths[0].Backend.Service
			if services[backend.Name] == 0 || backend.Port.Name != "http" {
				r.t.Errorf("the ingress leads to %+v", backend)
			}
		}
	}
	for _, h := range all[*gateway.HTTPRoute](r) {
		backend := h.Spec.Rules[0].BackendRefs[0]
		if services[string(backend.Name)] != *backend.Port {
			r.t.Errorf("the route leads to %+v", backend)
		}
	}
	for _, p := range all[*core.Pod](r) {
		at := p.Spec.Containers[0].Args[2]
		if name, port, _ := strings.Cut(strings.TrimPrefix(at, "http://"), ":"); fmt.Sprint(services[name]) != port {
			r.t.Errorf("the test asks %s", at)
		}
		if code, out := lanyard(r.t, nil, append(p.Spec.Containers[0].Args, "--help")...); code != 0 {
			r.t.Errorf("the binary has no command of the test: %s", out)
		}
	}
}

// TestChartRenders renders every combination that matters, and walks what comes out.
func TestChartRenders(t *testing.T) {
	testkit.Need(t, "helm")
	ops := testkit.Dev(t).Ops
	for _, name := range slices.Sorted(maps.Keys(valueSets)) {
		t.Run(name, func(t *testing.T) { render(t, valueSets[name]).examine(ops) })
	}
}

// TestChartRendersInEveryCombination turns every switch with every other.
func TestChartRendersInEveryCombination(t *testing.T) {
	testkit.Need(t, "helm")
	ops := testkit.Dev(t).Ops
	switches := []string{
		"autoscaling: {enabled: true}", "ingress: {enabled: true}", "httpRoute: {enabled: true, parentRefs: [{name: public}]}", "networkPolicy: {enabled: true, operationsFrom: [{podSelector: {}}]}",
		"metrics: {serviceMonitor: {enabled: true}}", "podDisruptionBudget: {enabled: false}", "serviceAccount: {create: false}",
		"mail: {host: mail.example.com, from: a@example.com, username: a}", "migrations: {mode: init}",
	}
	steps := 1 << len(switches)
	for n := range testkit.Rounds(8, steps) {
		if !testkit.Soak() {
			n *= steps / 8
		}
		var on []string
		for at, text := range switches {
			if n>>at&1 == 1 {
				on = append(on, text)
			}
		}
		render(t, "{"+strings.Join(on, ", ")+"}").examine(ops)
	}
}

// TestChartRefusesWhatIsNotSafe: the render fails and says why.
func TestChartRefusesWhatIsNotSafe(t *testing.T) {
	for over, want := range map[string]string{
		"{issuer: ''}":                                                                        "issuer is missing",
		"{issuer: 'http://id.example.com'}":                                                   "must be https",
		"{issuer: 'http://localhost:8080'}":                                                   "must be https",
		"{issuer: 'https://id.example.com/'}":                                                 "must not end with a slash",
		"{issuer: 'https://ID.example.com'}":                                                  "is not a plain URL",
		"{issuer: 'https://id.example.com?a=b'}":                                              "is not a plain URL",
		"{existingSecret: {name: ''}}":                                                        "no master key",
		"{existingSecret: {name: a, keys: {masterKey: ''}}}":                                  "no master key",
		"{existingSecret: {name: a, keys: {databaseUrl: ''}}}":                                "no database URL",
		"{existingSecret: {name: ''}, extraEnv: [{name: LANYARD_KEYS_MASTER_KEY, value: a}]}": "no database URL",
		"{extraEnv: [{name: LANYARD_KEYS_MASTER_KEY, value: a}]}":                             "the master key is given twice",
		"{extraEnv: [{name: LANYARD_DATABASE_URL, value: a}]}":                                "the database URL is given twice",
		"{extraEnv: [{name: LANYARD_DATABASE_URL_FILE, value: a}]}":                           "the database URL is given twice",
		"{extraEnv: [{name: LANYARD_MAIL_PASSWORD, value: a}], mail: {host: a, from: a@example.com, username: b}}": "the mail password is given twice",
		"{extraEnv: [{name: LANYARD_SERVER_REPLICAS, value: '1'}]}":                                                "see replicaCount",
		"{extraEnv: [{name: LANYARD_SERVER_ISSUER, value: 'https://localhost'}]}":                                  "see issuer",
		"{extraEnv: [{name: LANYARD_OPERATIONS_LISTEN, value: ':9000'}]}":                                          "see probes",
		"{database: {type: sqlite}}": "SQLite serves one replica, replicaCount is 2",
		"{existingSecret: {name: a, keys: {databaseUrl: ''}}, extraEnv: [{name: LANYARD_DATABASE_URL, value: 'sqlite:/data/a.db'}]}": "set database.type to sqlite",
		"{database: {type: sqlite}, replicaCount: 1, extraEnv: [{name: LANYARD_DATABASE_URL, value: 'postgres://a'}]}":               "extraEnv brings a database",
		"{database: {type: sqlite}, replicaCount: 1, autoscaling: {enabled: true}}":                                                  "autoscaling needs PostgreSQL",
		"{trustedProxies: ['0.0.0.0/0']}":                            "would believe everybody",
		"{terminationGracePeriodSeconds: 34}":                        "it is at least 35",
		"{image: {tag: latest}}":                                     "whatever was pushed last",
		"{podDisruptionBudget: {minAvailable: 2}}":                   "lets no node be drained",
		"{podDisruptionBudget: {minAvailable: 100%}}":                "lets no node be drained",
		"{podDisruptionBudget: {minAvailable: 51%}}":                 "lets no node be drained", // of 2 that is 1.02, and so 2
		"{podDisruptionBudget: {minAvailable: 1%}, replicaCount: 1}": "lets no node be drained",
		"{podDisruptionBudget: {maxUnavailable: null}}":              "lets no node be drained",
		"{podDisruptionBudget: {maxUnavailable: 0}}":                 "lets no node be drained",
		"{autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 9}, replicaCount: 9, podDisruptionBudget: {minAvailable: 2}}": "lets no node be drained",
		"{autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 4}}":                                                          "minReplicas is above maxReplicas",
		"{ingress: {enabled: true, hosts: [other.example.com]}}":                                                                  "has not the issuer's host id.example.com",
		"{httpRoute: {enabled: true, hostnames: [other.example.com], parentRefs: [{name: a}]}}":                                   "has not the issuer's host id.example.com",
		"{httpRoute: {enabled: true}}": "httpRoute.parentRefs is empty",
		"{mail: {host: a}}":            "mail.from is missing",
		"{mail: {host: a, from: a@example.com, username: b}, existingSecret: {name: a, keys: {mailPassword: ''}}}": "mail.username has no password",
		"{config: {keys: {master_key: a}}}": "config.keys.master_key is a secret",
		"{config: {mail: {password: a}}}":   "config.mail.password is a secret",
		"{config: {server: {issuer: a}}}":   "config.server.issuer is not set there: see issuer",
		// What the schema of the values refuses.
		"{replicas: 3}":                     "replicas",
		"{image: {tagg: a}}":                "tagg",
		"{mail: {tls: none}}":               "mail",
		"{replicaCount: 0}":                 "replicaCount",
		"{database: {type: mysql}}":         "database",
		"{existingSecret: {masterKey: a}}":  "masterKey",
		"{trustedProxies: [example.com]}":   "trustedProxies",
		"{image: {digest: 'sha256:short'}}": "digest",
	} {
		if out, ok := helm(t, valuesFile(t, over), "template", release); ok || !strings.Contains(out, want) {
			t.Errorf("%s: rendered %v, want %q in\n%s", over, ok, want, firstLines(out))
		}
	}
}

// firstLines keeps a failure readable.
func firstLines(text string) string {
	const most = 600
	return text[:min(len(text), most)]
}

func TestChartIsCleanAndItsRenderIsKnown(t *testing.T) {
	if out, ok := helm(t, valuesFile(t, ""), "lint", "--strict"); !ok || strings.Contains(out, "[WARNING]") {
		t.Errorf("helm lint: %s", out)
	}
	r, golden := render(t, ""), filepath.Join("testdata", "default.yaml")
	if *update {
		write(t, golden, r.text)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), r.text); diff != "" {
		t.Errorf("the render has changed (go test ./deploy -update writes it anew):\n%s", diff)
	}
	if again := render(t, ""); again.text != r.text {
		t.Error("two renders differ")
	}
}

// TestChartHasTheNamesThatOperatorsKnow is the contract of its values.
func TestChartHasTheNamesThatOperatorsKnow(t *testing.T) {
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/helm/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"replicaCount", "image", "imagePullSecrets", "existingSecret", "database", "migrations", "extraEnv", "extraEnvFrom", "extraVolumes", "serviceAccount",
		"podSecurityContext", "securityContext", "service", "ingress", "httpRoute", "resources", "autoscaling", "podDisruptionBudget", "networkPolicy", "metrics",
		"probes", "topologySpreadConstraints", "affinity", "nodeSelector", "tolerations", "terminationGracePeriodSeconds", "extraObjects", "issuer", "trustedProxies", "mail", "log", "config",
	} {
		if _, ok := values[name]; !ok {
			t.Errorf("there is no value %s", name)
		}
	}
	for name := range values {
		if !bytes.Contains([]byte(read(t, "deploy/helm/values.yaml")), []byte("\n"+name+":")) {
			t.Errorf("%s is not on a line of its own", name)
		}
	}
}

// TestEverythingIsOneVersion: image, composition, chart and binary.
func TestEverythingIsOneVersion(t *testing.T) {
	var chart struct{ AppVersion, Version string }
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	image := render(t, "").server().Spec.Containers[0].Image
	if want := "lanyard:" + readImage(t).version; chart.AppVersion != readImage(t).version || image != want || composition(t, nil).Services["lanyard-1"].Image != want {
		t.Errorf("the chart is for %s and runs %s, the image is %s, the composition runs %s", chart.AppVersion, image, want, composition(t, nil).Services["lanyard-1"].Image)
	}
}

// TestChartPassesOnWhatItIsTold looks at single values where they end up.
func TestChartPassesOnWhatItIsTold(t *testing.T) {
	for name, check := range map[string]func(r *rendered) string{
		"default": func(r *rendered) string {
			d := one[*apps.Deployment](r)
			roll := d.Spec.Strategy.RollingUpdate
			return fmt.Sprint(*d.Spec.Replicas, roll.MaxUnavailable.IntVal, roll.MaxSurge.IntVal, len(d.Spec.Template.Spec.InitContainers), len(all[*batch.Job](r)))
		},
		"sqlite": func(r *rendered) string {
			d := one[*apps.Deployment](r)
			return fmt.Sprintf("%s %d %d %s", d.Spec.Strategy.Type, len(d.Spec.Template.Spec.InitContainers), len(all[*batch.Job](r)), one[*core.PersistentVolumeClaim](r).Annotations["helm.sh/resource-policy"])
		},
		"autoscaling": func(r *rendered) string {
			return regexp.MustCompile(`replicas: \d+`).FindString(all[*core.ConfigMap](r)[0].Data["lanyard.yaml"])
		},
		"another image":   func(r *rendered) string { return r.server().Spec.Containers[0].Image },
		"image by digest": func(r *rendered) string { return r.server().Spec.Containers[0].Image[:20] },
		"names":           func(r *rendered) string { return one[*apps.Deployment](r).Name },
		"more settings": func(r *rendered) string {
			return regexp.MustCompile(`max_connections: \d+`).FindString(all[*core.ConfigMap](r)[0].Data["lanyard.yaml"])
		},
		"a path":       func(r *rendered) string { return one[*networking.Ingress](r).Spec.Rules[0].Host },
		"migrates not": func(r *rendered) string { return fmt.Sprint(len(all[*batch.Job](r))) },
		"what null takes": func(r *rendered) string {
			return fmt.Sprint(one[*policy.PodDisruptionBudget](r).Spec.MinAvailable, one[*policy.PodDisruptionBudget](r).Spec.MaxUnavailable)
		},
		"strict budget": func(r *rendered) string { return one[*policy.PodDisruptionBudget](r).Spec.MinAvailable.String() },
		"scheduling": func(r *rendered) string {
			i := slices.IndexFunc(r.server().Spec.Containers[0].Env, func(e core.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
			return r.server().Spec.Containers[0].Env[i].Value
		},
	} {
		want := map[string]string{
			"default": "2 0 1 0 1", "sqlite": "Recreate 1 0 keep", "autoscaling": "replicas: 9", "another image": "images.example.com/team/lanyard:0.2.0-rc.1",
			"image by digest": "lanyard@sha256:01234", "names": "sso", "more settings": "max_connections: 40", "a path": "example.com", "migrates not": "0", "strict budget": "60%", "what null takes": "<nil> 1", "scheduling": "921MiB",
		}[name]
		if got := check(render(t, valueSets[name])); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	one, two := render(t, ""), render(t, "{log: {level: debug}}")
	if one.server().Annotations["checksum/config"] == two.server().Annotations["checksum/config"] {
		t.Error("a changed configuration does not roll the pods")
	}
	if out, ok := helm(t, valuesFile(t, "{resources: null}"), "template", release); !ok {
		t.Errorf("without resources: %s", firstLines(out))
	}
}

// TestExamplesOfTheGuideRender: the values that docs/deploy.md shows are values of the chart.
func TestExamplesOfTheGuideRender(t *testing.T) {
	found := regexp.MustCompile("(?s)```yaml\n# values.yaml\n(.*?)```").FindAllStringSubmatch(read(t, "docs/deploy.md"), -1)
	if len(found) < 2 {
		t.Fatalf("the guide has %d examples", len(found))
	}
	for _, example := range found {
		file := filepath.Join(t.TempDir(), "values.yaml")
		write(t, file, example[1])
		if out, ok := helm(t, file, "template", "lanyard"); !ok {
			t.Errorf("%s\n%s", out, example[1])
		}
	}
}

// TestNotesSayHowToGoOn: what helm prints after an installation has commands that work.
// Only an installation renders the notes; here they are an object of a copy of the chart.
func TestNotesSayHowToGoOn(t *testing.T) {
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(testkit.Root(), "deploy", "helm"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(copied, "templates", "notes.yaml"), "{{ define \"notes\" }}"+read(t, "deploy/helm/templates/NOTES.txt")+
		"{{ end }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n{{ include \"notes\" . | indent 4 }}\n")
	notes := func(over string) string {
		out, err := exec.Command(testkit.Need(t, "helm"), "template", release, copied, "--values", valuesFile(t, over), "--namespace", "identity",
			"--show-only", "templates/notes.yaml").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	bare := notes("")
	for _, want := range []string{
		"kubectl --namespace identity exec deployment/id-lanyard -- /lanyard setup-link", "https://id.example.com/console", "helm --namespace identity test id",
		"neither ingress nor httpRoute", "trustedProxies is empty", "mail.host is empty",
	} {
		if !strings.Contains(bare, want) {
			t.Errorf("the notes do not say %q:\n%s", want, bare)
		}
	}
	if whole := notes("{ingress: {enabled: true}, trustedProxies: [10.0.0.0/8], mail: {host: a, from: a@example.com}}"); strings.Contains(whole, "NOTE:") {
		t.Errorf("nothing is missing, and the notes complain:\n%s", whole)
	}
	for found := range strings.SplitSeq(bare, "-- /lanyard ") {
		command, _, _ := strings.Cut(found, "\n")
		if strings.HasPrefix(found, "---") {
			continue
		}
		if code, out := lanyard(t, nil, append(strings.Fields(command), "--help")...); code != 0 {
			t.Errorf("the notes say 'lanyard %s', which is no command: %s", command, out)
		}
	}
}
