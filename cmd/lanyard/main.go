package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/lanyard-id/lanyard/internal/clock"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	// exitDifferent is that of diff when there is something to apply.
	exitDifferent = 3
)

func main() {
	// Libraries write what they refuse, parameters included, to the default log;
	// ours is handed to whoever needs it.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	p := &program{
		in: os.Stdin, out: os.Stdout, errOut: os.Stderr, clock: clock.Real(), environ: os.Environ(),
		terminal: isTerminal(os.Stderr), stopSignals: stop,
	}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// program is the world of one run of the command: a test gives it another one.
type program struct {
	in       io.Reader
	out      io.Writer
	errOut   io.Writer
	clock    clock.Clock
	environ  []string
	terminal bool
	// stopSignals gives the signals back to the system, so that a second one kills; nil is fine.
	stopSignals func()
}

// cli is the command line.
type cli struct {
	Dev       devCommand       `cmd:"" help:"Run a development server with a seeded tenant."`
	Serve     serveCommand     `cmd:"" help:"Run the server."`
	SetupLink setupLinkCommand `cmd:"" help:"Print a link that makes the first administrator; 15 minutes, one use."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database schema up to date."`
	Apply     applyCommand     `cmd:"" help:"Bring the database to what a declarative file says."`
	Diff      diffCommand      `cmd:"" help:"Show what apply would change; exits with 3 if that is anything."`
	Export    exportCommand    `cmd:"" help:"Write tenants as a declarative file."`

	Backup    backupCommand     `cmd:"" help:"Copy a SQLite database to a new file while it is served."`
	Restored  restoredCommand   `cmd:"" help:"After a database was restored and before it is served: end whatever was handed out before."`
	MasterKey masterKeyCommands `cmd:"" name:"master-key" help:"The key that secrets in the database are sealed with."`

	Import importCommand `cmd:"" help:"Take users and more over from other systems."`
	Health healthCommand `cmd:"" help:"Ask the running server whether it is alive or ready; for health checks of containers."`
	Doctor doctorCommand `cmd:"" help:"Examine issuer, clock, database, keys, certificate, proxies and mail, and say what to do."`

	Tenant      manageable  `cmd:"" help:"Tenants."`
	User        manageable  `cmd:"" help:"People."`
	Org         manageable  `cmd:"" help:"Organizations."`
	Client      manageable  `cmd:"" help:"Applications."`
	Invite      removable   `cmd:"" help:"Invitations to sign up."`
	Key         keyCommands `cmd:"" help:"Signing keys."`
	Resource    manageable  `cmd:"" help:"Resources."`
	Role        manageable  `cmd:"" help:"Roles of the tenant."`
	Connection  manageable  `cmd:"" help:"Connections to upstream providers."`
	Issuer      manageable  `cmd:"" help:"Trusted issuers."`
	Webhook     manageable  `cmd:"" help:"Webhooks."`
	Member      manageable  `cmd:"" help:"Members of an organization (--org)."`
	OrgRole     manageable  `cmd:"" help:"Roles of an organization (--org)."`
	OrgInvite   removable   `cmd:"" help:"Invitations to an organization (--org)."`
	Domain      manageable  `cmd:"" help:"Domains of an organization (--org)."`
	OrgUpstream manageable  `cmd:"" help:"Connections of an organization (--org)."`
	Event       listable    `cmd:"" help:"What happened."`
	Refusal     showable    `cmd:"" help:"Why a request was refused, by its id."`

	Settings settingsCommands `cmd:"" help:"Settings of the tenant."`
	API      apiCommand       `cmd:"" name:"api" help:"Call any operation of the management API."`

	Config     configCommand     `cmd:"" help:"Check, print or describe the configuration."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// exited is the panic with which kong's --help leaves the parser.
type exited int

// run is the whole command; it returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	command, code := p.parse(args)
	if command == nil {
		return code
	}
	if err := p.deed(command)(ctx); err != nil {
		if !errors.Is(err, errDifferent) {
			p.complain(err)
		}
		return exitCode(err)
	}
	return exitOK
}

// deed is what the command does. Most are called here and not by the parser, so that a
// server does not hold the parser, and every command in it, for as long as it runs.
func (p *program) deed(command *kong.Context) func(context.Context) error {
	chosen, direct := command.Selected().Target.Interface().(interface {
		Run(ctx context.Context, p *program) error
	})
	if direct {
		return func(ctx context.Context) error { return chosen.Run(ctx, p) }
	}
	return func(ctx context.Context) error {
		command.BindTo(ctx, (*context.Context)(nil))
		return command.Run(p)
	}
}

// parse reads the command line. Without a command the code says how it ended.
func (p *program) parse(args []string) (command *kong.Context, code int) {
	defer func() {
		switch left := recover().(type) {
		case nil:
		case exited:
			command, code = nil, int(left)
		default:
			panic(left)
		}
	}()
	parser, err := kong.New(&cli{},
		kong.Name("lanyard"),
		kong.Description("A multi-tenant OpenID Connect provider."),
		kong.Writers(p.out, p.errOut),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.UsageOnError(),
	)
	if err != nil {
		p.complain(err)
		return nil, exitFailure
	}
	command, err = parser.Parse(args)
	if err != nil {
		p.complain(err)
		fmt.Fprintln(p.errOut, "Run 'lanyard --help' for usage.")
		return nil, exitUsage
	}
	return command, exitOK
}

// usageError is a command line that was read but makes no sense.
type usageError string

// Error implements error.
func (e usageError) Error() string { return string(e) }

func exitCode(err error) int {
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	if errors.Is(err, errDifferent) {
		return exitDifferent
	}
	return exitFailure
}

// complain tells a person what went wrong, line by line.
func (p *program) complain(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(p.errOut, "lanyard:", line)
	}
}

// getenv reads one variable of the environment.
func (p *program) getenv(name string) (string, bool) {
	for _, pair := range p.environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// input is standard input; none in a test that gives none.
func (p *program) input() io.Reader {
	if p.in == nil {
		return strings.NewReader("")
	}
	return p.in
}
