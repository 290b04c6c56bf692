package sshd

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOpenSSHTerminal configures a device on the terminal of a real client.
func TestOpenSSHTerminal(t *testing.T) {
	d := newDevice(t, t.TempDir())
	s := d.terminal(d.user("ann", 2, "ed25519"), "ann")
	s.waits(0, "<Tandem>")
	s.types("?", "system-view")
	s.types("sys\t", "system-view ")
	s.types("\r", "[~Tandem]")
	s.types("e-trunk ?", "INTEGER<1-64>")
	s.types("1\r", "[*Tandem-e-trunk-1]")
	s.types("security-key simple Clear-1\r", "[*Tandem-e-trunk-1]")
	s.types("display this\r", "security-key cipher %^%#")
	s.types("priority 300\r", "Error: Wrong parameter found at '^' position.")
	s.types("nonsense\x03", "[*Tandem-e-trunk-1]")
	s.types("\x1a", "Y(yes)/N(no)/C(cancel)]:")
	s.types("maybe\r", "Y(yes)/N(no)/C(cancel)]:")
	s.types("y\r", "<Tandem>")
	s.types("display ssh server session\r", "ann   ssh ")
	s.types("display configuration commit list verbose\r", "Source        : ssh ")
	s.types("\x03", "<Tandem>")
	s.types("quit\r", "quit")
	if err := <-s.done; err != nil {
		t.Errorf("the client: %v", err)
	}
	if d.system.Store.Running().ETrunks[1] == nil {
		t.Error("nothing is committed")
	}
	if got := d.log.String(); strings.Contains(got, "Clear-1") || !strings.Contains(got, `Command="security-key simple ******" Result=done`) ||
		!strings.Contains(got, "msg=CMDRECORD module=SHELL User=ann Source=\"ssh ") {
		t.Errorf("the log:\n%s", got)
	}
}

// TestOpenSSHCommands gives commands as arguments and on standard input.
func TestOpenSSHCommands(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key := d.user("ann", 2, "ecdsa")
	for _, c := range []struct {
		name, input string
		args        []string
		want        result
	}{
		{"argument", "", []string{"display version | include Sys; display version | count"}, result{0, "Sysname       : Tandem\nTotal lines: 7.\n", ""}},
		{"refused", "", []string{"display version | include Sys; bogus; display version"},
			result{1, "Sysname       : Tandem\n", "<Tandem>bogus\n        ^\nError: Unrecognized command found at '^' position.\n"}},
		{"not committed", "", []string{"system-view; sysname R"},
			result{1, "", "Error: the commands end with changes that were not committed; they are dropped\n"}},
		{"standard input", "system-view\nsysname R\ncommit\nreturn\ndisplay version | include Sys\nquit\nbogus\n", nil, result{0, "Sysname       : R\n", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := d.runs(key, "ann", c.input, c.args...); got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
	for want, options := range map[string][]string{
		"stdio forwarding failed":     {"-W", "localhost:" + d.port},
		"subsystem request failed on": {"-s"},
	} {
		if got := d.runsWith(options, key, "ann", "", "sftp"); got.code != 255 || !strings.Contains(got.err, want) {
			t.Errorf("%q: %+v", options, got)
		}
	}
}

// TestOpenSSHLevels: a user with level 1 may only display.
func TestOpenSSHLevels(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key := d.user("guest", 1, "ed25519")
	if got := d.runs(key, "guest", "", "display current-configuration | count"); got.code != 0 || got.out == "" {
		t.Errorf("%+v", got)
	}
	for _, line := range []string{"system-view", "save", "rollback configuration last 1", "switchover e-trunk 1"} {
		if got := d.runs(key, "guest", "", line); got.code != 1 || !strings.Contains(got.err, "Error: Unrecognized command") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// TestOpenSSHKeyFile: a user logs in with a key from a file, which the server reads at
// every login.
func TestOpenSSHKeyFile(t *testing.T) {
	d := newDevice(t, t.TempDir())
	first, second := newKey(t, "rsa", "-b", "4096"), newKey(t, "ed25519")
	file := filepath.Join(t.TempDir(), "authorized_keys")
	write := func(mode os.FileMode, lines ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	d.types("system-view", "ssh user ann", "authorized-keys-file "+file, "commit")
	enters := func(key string, want bool, why string) {
		t.Helper()
		if got := d.runs(key, "ANN", "", "display version"); (got.code == 0) != want {
			t.Errorf("%s: %+v", why, got)
		}
	}
	enters(first, false, "no file yet")
	write(0o644, "# keys", "", "no-port-forwarding,no-agent-forwarding "+publicKey(t, first)+" ann@desk")
	enters(first, true, "an RSA key that is too long for a line")
	enters(second, false, "a key that is not in the file")
	write(0o644, "frob", publicKey(t, second))
	enters(first, false, "a key that was taken away")
	enters(second, true, "a key below a line that is none")
	write(0o644, `from="2001:db8::/32" `+publicKey(t, second))
	enters(second, false, "a key with a restriction that is not kept")
	write(0o664, publicKey(t, second))
	enters(second, false, "a file that others may write to")
	if got := d.log.String(); !strings.Contains(got, "others may write to it") || !strings.Contains(got, "the option from=") {
		t.Errorf("the log:\n%s", got)
	}
}

// TestOpenSSHRefused: unknown keys are refused, and many failed logins block the source.
// The right key is accepted even then.
func TestOpenSSHRefused(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key, other := d.user("ann", 2, "ed25519"), newKey(t, "ed25519")
	for range failLimit - 1 {
		if got := d.runs(other, "ann", "", "display version"); got.code != 255 || !strings.Contains(got.err, "Permission denied (publickey)") {
			t.Fatalf("a wrong key: %+v", got)
		}
	}
	// The client may end before the server has counted the failure.
	eventually(t, func() error {
		if n := d.server.State().Failed; n != failLimit-1 {
			return fmt.Errorf("%d logins have failed", n)
		}
		return nil
	})
	if got := d.runs(key, "ann", "", "display version"); got.code != 0 {
		t.Fatalf("the right key, before the limit: %+v", got)
	}
	for range failLimit {
		if got := d.runs(key, "nobody", "", "display version"); got.code != 255 {
			t.Fatalf("a user who is not known: %+v", got)
		}
	}
	counted := func(failed, blocked uint64) {
		t.Helper()
		eventually(t, func() error {
			state, logged := d.server.State(), strings.Count(d.log.String(), "LOGIN_FAILED")
			if c := state.SSHCounters; c.Failed != failed || c.Logins != 1 || c.Blocked != blocked || state.BlockedSources != 1 || logged != 2*failLimit-1 {
				return fmt.Errorf("%d failures in the log, %+v", logged, state)
			}
			return nil
		})
	}
	counted(2*failLimit-1, 0)
	if got := d.runs(other, "ann", "", "display version"); got.code != 255 {
		t.Errorf("a wrong key of a blocked source: %+v", got)
	}
	counted(2*failLimit, 1) // the log has no line of it
	if got := d.runs(key, "ann", "", "display version"); got.code != 0 {
		t.Errorf("the right key, from a blocked source: %+v", got)
	}
	if state := d.server.State(); state.Logins != 2 || state.BlockedSources != 0 {
		t.Errorf("%+v", state)
	}
	if got := d.log.String(); !strings.Contains(got, "LOGIN_FAILED module=SSH User=nobody Source=") || !strings.Contains(got, "SOURCE_BLOCKED") {
		t.Errorf("the log:\n%s", got)
	}
}

// TestIdleConnections: idle connections do not keep other clients out.
func TestIdleConnections(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key := d.user("ann", 2, "ed25519")
	for range 3 * maxLogins {
		c, err := net.DialTimeout("tcp", "localhost:"+d.port, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	eventually(t, func() error {
		if n := d.server.State().TooMany; n != 2*maxLogins {
			return fmt.Errorf("%d connections were closed for others", n)
		}
		return nil
	})
	if got := d.runs(key, "ann", "", "display version"); got.code != 0 {
		t.Errorf("beside idle connections: %+v", got)
	}
}

// TestSessionsOfOneUser: one user cannot use all sessions.
func TestSessionsOfOneUser(t *testing.T) {
	d := newDevice(t, t.TempDir())
	bob, ann := d.user("bob", 1, "ed25519"), d.user("ann", 2, "ed25519")
	for range maxUserSessions {
		d.terminal(bob, "bob").waits(0, "<Tandem>")
	}
	if got := d.runs(bob, "bob", "", "display version"); got.code == 0 {
		t.Errorf("one session too many: %+v", got)
	}
	if got := d.runs(ann, "ann", "", "display version"); got.code != 0 {
		t.Errorf("another user: %+v", got)
	}
}

// TestHostKeyStays: after a restart the device has the same key, and only the owner can
// read the key's file.
func TestHostKeyStays(t *testing.T) {
	state := t.TempDir()
	var first string
	for range 2 {
		d := newDevice(t, state)
		got := d.runs(d.user("ann", 1, "ed25519"), "ann", "", "display version")
		if got.code != 0 {
			t.Errorf("%+v", got)
		}
		key := d.server.State().Fingerprint
		if first != "" && key != first {
			t.Errorf("the host key was %s and is %s", first, key)
		}
		first = key
	}
	if info, err := os.Stat(filepath.Join(state, hostKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("host key: %v, %v", info, err)
	}
}

// TestSessionsEnd: a session ends if nothing is typed, or if the configuration removes the
// user's right. Changes that were not committed are dropped.
func TestSessionsEnd(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key := d.user("ann", 2, "ed25519")
	open := func() *screen {
		s := d.terminal(key, "ann")
		s.waits(0, "<Tandem>")
		s.types("system-view\r", "[~Tandem]")
		s.types("sysname R\r", "[*Tandem]")
		return s
	}
	ends := func(s *screen, why string) {
		t.Helper()
		s.waits(0, why)
		select {
		case <-s.done:
		case <-time.After(patience):
			t.Fatal("the client stays")
		}
		eventually(t, func() error {
			if n := len(d.server.State().Open); n > 0 {
				return fmt.Errorf("%d sessions stay", n)
			}
			return nil
		})
	}
	s := open()
	d.types("system-view", "undo ssh user ann", "commit")
	ends(s, "the configuration no longer allows it")
	key = d.user("ann", 2, "ed25519")
	s = open()
	d.types("system-view", "ssh user ann", "level 1", "commit")
	ends(s, "the configuration no longer allows it")
	d.types("system-view", "ssh user ann", "level 2", "commit")

	// One minute is the shortest idle timeout that can be configured. So the test sets a
	// shorter one directly.
	d.server.mu.Lock()
	d.server.settings.IdleTimeout = 500 * time.Millisecond
	d.server.mu.Unlock()
	s = d.terminal(key, "ann")
	ends(s, "nothing was typed for 500ms; the session ends.")
	if d.system.Store.Running().SysName != "Tandem" {
		t.Error("changes that were not committed are in force")
	}

	d.types("system-view", "undo ssh server enable", "commit")
	if c, err := net.DialTimeout("tcp", "localhost:"+d.port, time.Second); err == nil {
		c.Close()
		t.Error("a server that is off listens")
	}
}

// TestCommitTakesItsOwnWayAway: a session commits a configuration that removes its own
// access, so the session ends.
func TestCommitTakesItsOwnWayAway(t *testing.T) {
	d := newDevice(t, t.TempDir())
	s := d.terminal(d.user("ann", 2, "ed25519"), "ann")
	s.waits(0, "<Tandem>")
	s.types("system-view\r", "[~Tandem]")
	s.types("undo ssh server enable\r", "[*Tandem]")
	s.types("commit\r", "the session ends.")
	<-s.done
	if d.system.Store.Running().SSH.Enabled {
		t.Error("it is not committed")
	}
}

// TestPortTaken: a commit is refused while another program has the port.
func TestPortTaken(t *testing.T) {
	d := newDevice(t, t.TempDir())
	key := d.user("ann", 2, "ed25519")
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	got := d.runs(key, "ann", "system-view\nssh server port "+port+"\ncommit\n")
	if got.code != 1 || !strings.Contains(got.err, "another program has the port") {
		t.Errorf("%+v", got)
	}
	l.Close()
	got = d.runs(key, "ann", "system-view\nssh server port "+port+"\ncommit\n")
	if d.port = port; got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if got := d.runs(key, "ann", "", "display ssh server status | include Address"); !strings.Contains(got.out, ":"+port) {
		t.Errorf("%+v", got)
	}
}
