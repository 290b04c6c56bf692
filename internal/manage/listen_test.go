package manage_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tandem/internal/manage"
)

// TestListenForGroup: members of the group can connect, other users cannot.
func TestListenForGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir, err := os.MkdirTemp("", "console-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "console.sock")
	if _, err := manage.Listen(path, "no-such-group"); err == nil || !strings.Contains(err.Error(), "no-such-group") {
		t.Errorf("a group that does not exist: %v", err)
	}
	l, err := manage.Listen(path, "daemon")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	daemon, err := user.LookupGroup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(daemon.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for group, admitted := range map[uint32]bool{uint32(gid): true, nobody: false} {
		test := exec.Command("test", "-w", path)
		test.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{group}}}
		if err := test.Run(); (err == nil) != admitted {
			t.Errorf("a member of group %d: %v", group, err)
		}
	}
}
