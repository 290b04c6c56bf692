package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
}

// inode identifies the namespace of the calling thread.
func inode(t *testing.T) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func newNamespace(t *testing.T) *Namespace {
	t.Helper()
	requireRoot(t)
	ns, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

func TestDoReturns(t *testing.T) {
	ns := newNamespace(t)
	home := inode(t)
	sentinel := errors.New("from inside")
	err := ns.Do(func() error {
		if inode(t) == home {
			t.Error("Do ran outside of the namespace")
		}
		return sentinel
	})
	if !errors.Is(err, sentinel) {
		t.Errorf("Do = %v, want the error of its function", err)
	}
	if inode(t) != home {
		t.Error("the thread did not come back")
	}
}

func TestDoReturnsFromPanic(t *testing.T) {
	ns := newNamespace(t)
	home := inode(t)
	func() {
		defer func() { recover() }()
		ns.Do(func() error { panic("inside") })
	}()
	if inode(t) != home {
		t.Error("the thread did not come back")
	}
}

func TestNamed(t *testing.T) {
	requireRoot(t)
	name := fmt.Sprintf("tt-netns-%d", os.Getpid())
	ns, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer Delete(name)
	if _, err := Create(name); !errors.Is(err, ErrExists) {
		t.Errorf("second Create = %v, want ErrExists", err)
	}
	ns.Close()

	again, err := openNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if names, err := Names(); err != nil || !slices.Contains(names, name) {
		t.Errorf("Names = %v, %v, want %s among them", names, err, name)
	}
	if err := Delete(name); err != nil {
		t.Error(err)
	}
	if err := Delete(name); err != nil {
		t.Errorf("second Delete = %v, want nil", err)
	}
	if _, err := openNamed(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open after Delete = %v, want fs.ErrNotExist", err)
	}
}

func TestBadNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../x"} {
		if _, err := Create(name); err == nil {
			t.Errorf("Create(%q) accepted", name)
		}
	}
}

func TestStart(t *testing.T) {
	ns := newNamespace(t)
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.Start(cmd); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid)); err != nil || !os.SameFile(got, want) {
		t.Errorf("the command stands elsewhere: %v", err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestSysctlIsOfTheNamespace(t *testing.T) {
	ns := newNamespace(t)
	const key = "ipv6/conf/default/accept_dad"
	before, err := os.ReadFile("/proc/sys/net/" + key)
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.DisableDAD(); err != nil {
		t.Fatal(err)
	}
	var inside []byte
	err = ns.Do(func() (err error) {
		inside, err = os.ReadFile("/proc/sys/net/" + key)
		return err
	})
	if err != nil || string(inside) != "0\n" {
		t.Errorf("inside: %q, %v, want 0", inside, err)
	}
	if after, _ := os.ReadFile("/proc/sys/net/" + key); string(after) != string(before) {
		t.Errorf("outside changed from %q to %q", before, after)
	}
	if err := ns.SetSysctl("../kernel/hostname", "x"); err == nil {
		t.Error("a key outside of net was accepted")
	}
}

// TestUserNamespace runs a test of this program again as root of a user
// namespace, where the namespace directory belongs to somebody else.
func TestUserNamespace(t *testing.T) {
	if os.Getenv("TANDEM_TEST_USERNS") != "" {
		t.Skip("already inside")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^(TestNamed|TestDoReturns|TestSysctlIsOfTheNamespace)$", "-test.v")
	cmd.Env = append(os.Environ(), "TANDEM_TEST_USERNS=1")
	Unprivileged(cmd)
	if os.Getuid() == 0 {
		// As a plain user, so that root's rights over files do not help.
		cmd.SysProcAttr.UidMappings[0].HostID = 65534
		cmd.SysProcAttr.GidMappings[0].HostID = 65534
		cmd.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) {
		t.Skip("kernel lacks user namespaces for this user")
	}
	if err != nil || strings.Count(string(out), "--- PASS") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}

// openNamed opens a namespace by name. The error wraps fs.ErrNotExist if there is none.
func openNamed(name string) (*Namespace, error) {
	path, err := namePath(name)
	if err != nil {
		return nil, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	if st.Type != unix.NSFS_MAGIC {
		// A crash between the creation of the file and the mount leaves such a file.
		return nil, fmt.Errorf("namespace %s: its file is not a namespace: %w", name, fs.ErrNotExist)
	}
	ns, err := openPath(path)
	if err != nil {
		return nil, err
	}
	ns.name = name
	return ns, nil
}
