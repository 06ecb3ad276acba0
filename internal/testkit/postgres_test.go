package testkit

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) {
	if os.Getenv("LANYARD_TEST_LEAVE_BEHIND") != "" {
		leaveBehind()
	}
	Main(m)
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := connect(t, Postgres(t)), connect(t, Postgres(t))
	if _, err := first.Exec(t.Context(), "CREATE TABLE rows (id int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Exec(t.Context(), "SELECT * FROM rows"); err == nil {
		t.Error("the second database has the table of the first")
	}
}

func TestDatabaseIsDurableUnlessAskedOtherwise(t *testing.T) {
	for want, dsn := range map[string]string{"on": Postgres(t), "off": FastPostgres(t)} {
		var fsync, zone string
		row := connect(t, dsn).QueryRow(t.Context(), "SELECT current_setting('fsync'), to_char(now(), 'OF')")
		if err := row.Scan(&fsync, &zone); err != nil {
			t.Fatal(err)
		}
		if fsync != want || zone != "+05:45" {
			t.Errorf("fsync is %s, want %s; zone is %s", fsync, want, zone)
		}
	}
}

func TestDatabaseIsDroppedAfterItsTest(t *testing.T) {
	var dsn string
	t.Run("test", func(t *testing.T) { dsn = Postgres(t) })
	if dsn == "" {
		t.Skip("the test above was skipped")
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database is still there")
	}
}

// The test binary runs itself again, kills that run without warning, and looks
// for what it left.
func TestNothingOutlivesAKilledTestBinary(t *testing.T) {
	Need(t, "postgres")
	again := exec.CommandContext(t.Context(), os.Args[0])
	again.Env = append(os.Environ(), "LANYARD_TEST_LEAVE_BEHIND=1")
	again.Stderr = os.Stderr
	out, err := again.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, folder, _ := strings.Cut(strings.TrimSpace(line), " ")
	if !answers(address) {
		t.Fatalf("no server answers at %q", address)
	}
	_ = again.Process.Kill()
	_ = again.Wait()

	for range 500 {
		if _, err := os.Stat(folder); os.IsNotExist(err) && !answers(address) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the server at %s or its folder %s is still there", address, folder)
}

func answers(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// leaveBehind starts a server, tells about it, and waits to be killed.
func leaveBehind() {
	if _, err := fast.create(findPostgres()); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(fast.url.Host + " " + fast.folder + "\n")
	select {}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
