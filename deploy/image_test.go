package deploy

import (
	"debug/elf"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// image is what the Dockerfile says about the image that comes out.
type image struct {
	build, final                stage
	version                     string
	entrypoint, cmd, health     []string
	workdir, user               string
	environment, argumentsNamed map[string]string
}

func readImage(t testing.TB) image {
	t.Helper()
	stages, err := parseDockerfile(read(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want one that builds and one that runs", len(stages))
	}
	i := image{build: stages[0], final: stages[1], environment: map[string]string{}, argumentsNamed: map[string]string{}}
	for _, s := range stages {
		for _, arg := range s.all("ARG") {
			name, value, _ := strings.Cut(arg.text, "=")
			i.argumentsNamed[name] = value
		}
	}
	for _, e := range i.final.all("ENV") {
		name, value, _ := strings.Cut(e.text, "=")
		i.environment[name] = strings.Trim(value, `"`)
	}
	i.version = i.argumentsNamed["VERSION"]
	for _, part := range []struct {
		name string
		into *[]string
	}{{"ENTRYPOINT", &i.entrypoint}, {"CMD", &i.cmd}, {"HEALTHCHECK", &i.health}} {
		s := i.final.one(t, part.name)
		if !s.exec {
			t.Errorf("%s needs a shell, which the image does not have", part.name)
		}
		*part.into = s.words
	}
	i.workdir, i.user = i.final.one(t, "WORKDIR").text, i.final.one(t, "USER").text
	return i
}

func TestImageIsSmallAndSafe(t *testing.T) {
	i := readImage(t)
	if i.build.from != "golang:1.26-alpine" || i.build.flags["platform"] != "$BUILDPLATFORM" || i.final.from != "scratch" {
		t.Errorf("stages from %q and %q", i.build.from, i.final.from)
	}
	if module := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "go.mod")); !strings.Contains(i.build.from, ":"+module[1]+"-") {
		t.Errorf("it is built with %s, go.mod wants %s", i.build.from, module[1])
	}
	if !regexp.MustCompile(`^[1-9]\d+:[1-9]\d+$`).MatchString(i.user) {
		t.Errorf("user %q is root, or not a number that Kubernetes can tell from root", i.user)
	}
	for want, got := range map[string][]string{
		"/lanyard": i.entrypoint, "serve": i.cmd, "/lanyard health": i.health, "8080 8081": i.final.one(t, "EXPOSE").words,
	} {
		if strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, s := range slices.Concat(i.build.all("ARG"), i.final.all("ARG"), i.final.all("ENV"), i.build.all("ENV")) {
		if regexp.MustCompile(`(?i)secret|passw|token|key|credential`).MatchString(s.text) {
			t.Errorf("line %d: %s stays in the image for everybody", s.line, s.text)
		}
		name, _, _ := strings.Cut(s.text, "=")
		knowsVariables(t, "the Dockerfile", name)
	}
	if len(i.final.all("RUN")) > 0 {
		t.Error("nothing can run in an empty image")
	}
}

// TestBuildContextIsWhatTheBuildNeeds: what COPY names is there, and what must not go
// to a build or into a layer does not.
func TestBuildContextIsWhatTheBuildNeeds(t *testing.T) {
	list, err := parseIgnore(read(t, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range readImage(t).build.all("COPY") {
		for _, source := range s.words[:len(s.words)-1] {
			if _, err := os.Stat(filepath.Join(testkit.Root(), source)); err != nil || list.has(source) {
				t.Errorf("line %d copies %s, which is not there or ignored (%v)", s.line, source, err)
			}
		}
	}
	for _, never := range []string{".git", ".git/config", ".cache/bin/lanyard", "node_modules", "internal/e2e/clients/node_modules/x.js", "data/lanyard.db", "x/master.key", ".env", "bin/lanyard", "a/b.pem"} {
		if !list.has(never) {
			t.Errorf("%s goes to the build", never)
		}
	}
	// Dependencies come before the code, so that a change of code does not fetch them again.
	var order []string
	for _, s := range readImage(t).build.steps {
		if s.name != "COPY" && s.name != "RUN" {
			continue
		}
		order = append(order, s.name+" "+s.words[0])
	}
	want := []string{"COPY go.mod", "RUN go", "COPY .", "RUN CGO_ENABLED=0", "RUN mkdir"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

// layOut runs the build stage's commands and copies into a new folder what the final
// stage copies. It is the image's content, all of it.
func (i image) layOut(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	source, out, root := filepath.Join(base, "src"), filepath.Join(base, "out"), filepath.Join(base, "root")
	list, err := parseIgnore(read(t, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	list.copyContext(t, testkit.Root(), source)
	for _, s := range i.build.all("RUN") {
		script := regexp.MustCompile(`(^|[\s>])/out/`).ReplaceAllString(s.text, "${1}"+out+"/")
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "VERSION="+i.version, "REVISION=0123abc", "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "GOFLAGS=")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("line %d: %v\n%s", s.line, err, said)
		}
	}
	for _, s := range i.final.all("COPY") {
		if s.flags["from"][0] != i.build.name || len(s.words) != 2 {
			t.Fatalf("line %d: from %v", s.line, s.flags["from"])
		}
		from := strings.Replace(s.words[0], "/out/", out+"/", 1) // anything else is of the base image: of this machine
		i.place(t, s, from, filepath.Join(root, s.words[1]))
	}
	return root
}

func (i image) place(t *testing.T, s step, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	switch {
	case err != nil:
	case info.IsDir():
		err = os.Mkdir(to, 0o755)
	default:
		err = copyFile(from, to, info.Mode().Perm())
	}
	if err == nil && s.flags["chown"] != nil {
		var uid, gid int
		if _, err = fmt.Sscanf(s.flags["chown"][0], "%d:%d", &uid, &gid); err == nil {
			err = os.Chown(to, uid, gid)
		}
	}
	if err != nil {
		t.Fatalf("line %d: %v", s.line, err)
	}
}

// container runs programs in the image's root, as its user, with its environment.
type container struct {
	image
	t       *testing.T
	root    string
	environ []string
}

func (c *container) command(args ...string) *exec.Cmd {
	var uid, gid uint32
	if _, err := fmt.Sscanf(c.user, "%d:%d", &uid, &gid); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Path, cmd.Err = args[0], nil // it is looked for in the new root
	cmd.Dir, cmd.Env = c.workdir, []string{"PATH=/nonexistent"}
	for name, value := range c.environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, c.environ...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: uid, Gid: gid, NoSetGroups: false}}
	return cmd
}

// entry runs the entry point with arguments, to its end.
func (c *container) entry(args ...string) (int, string) {
	c.t.Helper()
	return c.ends(c.command(append(slices.Clone(c.entrypoint), args...)...))
}

func (c *container) ends(cmd *exec.Cmd) (int, string) {
	c.t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestImageRuns lays out the image as the Dockerfile says and lives in it: another root
// folder, another user, nothing but the volume to write to, no shell, no library.
func TestImageRuns(t *testing.T) {
	t.Parallel() // it waits for a server to drain
	i := readImage(t)
	testkit.NeedRoot(t)
	public, ops := loopback(t), loopback(t)
	issuer := "http://" + strings.Replace(public, "127.0.0.1", "localhost", 1)
	c := &container{image: i, t: t, root: i.layOut(t), environ: []string{
		"LANYARD_SERVER_LISTEN=" + public, "LANYARD_OPERATIONS_LISTEN=" + ops, "LANYARD_SERVER_ISSUER=" + issuer,
		"LANYARD_DATABASE_URL=sqlite:lanyard.db", "LANYARD_KEYS_MASTER_KEY=" + base64.StdEncoding.EncodeToString([]byte(masterKey)),
	}}
	c.isWholeAndStatic()
	if code, out := c.entry("version"); code != 0 || !strings.HasPrefix(out, "lanyard "+i.version+" (0123abc, ") {
		t.Errorf("version: %d %s", code, out)
	}
	if code, out := c.ends(c.command(i.health...)); code != 1 || !strings.Contains(out, "does not answer") {
		t.Errorf("before it runs its health is %d %s", code, out)
	}
	if code, out := c.entry("migrate", "up"); code != 0 {
		t.Fatalf("migrate up: %d %s", code, out)
	}
	c.serves(issuer)
	c.wroteOnlyData()
}

// isWholeAndStatic looks at the files of the image.
func (c *container) isWholeAndStatic() {
	c.t.Helper()
	binary, err := elf.Open(filepath.Join(c.root, c.entrypoint[0]))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	libraries, err := binary.ImportedLibraries()
	interpreter := slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if err != nil || len(libraries) > 0 || interpreter {
		c.t.Errorf("the binary is not static: %v %v, interpreter %v", libraries, err, interpreter)
	}
	if binary.Section(".symtab") != nil {
		c.t.Error("the binary is not stripped")
	}
	if diff := cmp.Diff([]string{"/", "/data", "/etc", "/etc/passwd", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt", "/lanyard"}, c.files()); diff != "" {
		c.t.Error(diff)
	}
	uid, _, _ := strings.Cut(c.user, ":")
	if line, err := os.ReadFile(filepath.Join(c.root, "etc/passwd")); err != nil || !strings.Contains(string(line), ":x:"+uid+":") {
		c.t.Errorf("passwd is %q, %v", line, err)
	}
}

// files lists the image's content.
func (c *container) files() []string {
	var out []string
	err := filepath.WalkDir(c.root, func(name string, _ os.DirEntry, err error) error {
		out = append(out, "/"+strings.TrimPrefix(strings.TrimPrefix(name, c.root), "/"))
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// serves runs the image's command from start to an orderly end.
func (c *container) serves(issuer string) {
	t := c.t
	t.Helper()
	server := c.command(append(slices.Clone(c.entrypoint), c.cmd...)...)
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server wrote:\n%s", log.String())
		}
	})
	eventually(t, 30*time.Second, "the image's health check passes", func() bool {
		code, _ := c.ends(c.command(c.health...))
		return code == 0
	})
	eventually(t, 30*time.Second, "it is ready", func() bool {
		code, _ := c.entry("health", "--ready")
		return code == 0
	})
	for path, want := range map[string]string{"/.well-known/openid-configuration": `"issuer":"` + issuer + `"`, "/oauth/jwks": `"kty"`} {
		if status, body := get(issuer + path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if code, out := c.entry("setup-link"); code != 0 || !strings.HasPrefix(out, issuer+"/setup?token=") {
		t.Errorf("setup-link: %d %s", code, out)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("told to stop, it ends with %v\n%s", err, log.String())
	}
}

// wroteOnlyData: the rest of the root belongs to root and is as it was.
func (c *container) wroteOnlyData() {
	c.t.Helper()
	for _, name := range c.files() {
		info, err := os.Lstat(filepath.Join(c.root, name))
		if err != nil {
			c.t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t).Uid
		if inData := name == "/data" || strings.HasPrefix(name, "/data/"); !inData && (owner != 0 || info.Mode().Perm()&0o022 != 0) {
			c.t.Errorf("%s can be written by the program (%s, owner %d)", name, info.Mode(), owner)
		}
	}
	if _, err := os.Stat(filepath.Join(c.root, "data/lanyard.db")); err != nil {
		c.t.Errorf("the data is not in the volume: %v", err)
	}
}
