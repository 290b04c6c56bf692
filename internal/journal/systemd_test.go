package journal

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/event"
)

// roleKey makes the test program act as the daemon of TestJournald.
const roleKey = "TANDEM_TEST_JOURNALD"

func TestMain(m *testing.M) {
	if os.Getenv(roleKey) != "" {
		if err := underSystemd(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestJournald runs a process in a mount namespace of its own. A socket of the test
// replaces journald's, and standard error is connected as systemd does it.
func TestJournald(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a mount namespace")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleKey+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, field := range []string{
		"MESSAGE=STACHG_TODWN: SessionName=s, Diagnostic=Path Down, At=now", "PRIORITY=4", "SYSLOG_IDENTIFIER=tandemd",
		"TANDEM_EVENT=STACHG_TODWN", "TANDEM_MODULE=BFD", "TANDEM_SESSIONNAME=s", "TANDEM_DIAGNOSTIC=Path Down", "TANDEM_AT=now",
	} {
		if !slices.Contains(strings.Split(string(out), "\n"), field) {
			t.Errorf("%s is not in what journald got:\n%s", field, out)
		}
	}
}

// underSystemd logs an event and prints the datagram that journald would receive.
func underSystemd() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/systemd/journal", 0o755); err != nil {
		return err
	}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/run/systemd/journal/socket", Net: "unixgram"})
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(2, &st); err != nil {
		return err
	}
	if err := os.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino)); err != nil {
		return err
	}
	j := New(Handler(slog.LevelInfo))
	j.Emit(event.BFDDown.With("s", "Path Down", "now"))
	j.Flush()
	b := make([]byte, 4096)
	n, err := socket.Read(b)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(b[:n])
	return err
}
