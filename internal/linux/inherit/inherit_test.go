package inherit

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// socket opens a UDP socket on the loopback address, on a device where one is named.
func socket(t *testing.T, device string) (*os.File, netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { f.Close() })
	if device != "" {
		if err := unix.BindToDevice(fd, device); err != nil {
			t.Skipf("needs to bind to a device: %v", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return f, netip.AddrPortFrom(netip.IPv6Loopback(), uint16(name.(*unix.SockaddrInet6).Port))
}

func TestBound(t *testing.T) {
	plain, at := socket(t, "")
	other, _ := socket(t, "")
	onDevice, there := socket(t, "lo")
	files := Files{{"hello", other}, {"rbs", plain}, {"hello", plain}, {"hello", onDevice}}
	if f := files.Bound("hello", there, ""); f != nil {
		t.Error("a socket of a device was taken for one without")
	}
	if f := files.Bound("hello", at, ""); f != plain || len(files) != 3 {
		t.Errorf("took %v of %v", f, files)
	}
	if f := files.Bound("hello", at, ""); f != nil {
		t.Error("took one twice")
	}
	if f := files.Bound("hello", there, "lo"); f != onDevice {
		t.Errorf("took %v", f)
	}
}

func TestOneAndAll(t *testing.T) {
	first, _ := socket(t, "")
	second, _ := socket(t, "")
	files := Files{{"state", first}, {"hello", second}, {"state", second}}
	if f := files.One("state"); f != first || len(files) != 1 {
		t.Errorf("took %v, left %v", f, files)
	}
	if f := files.One("state"); f != nil {
		t.Errorf("took %v", f)
	}
}

// TestDescriptor: the returned descriptor does not block a thread, and the file is closed.
func TestDescriptor(t *testing.T) {
	f, _ := socket(t, "")
	fd, err := Descriptor(f)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %x, %v", flags, err)
	}
	if _, err := f.Stat(); err == nil {
		t.Error("the file is still open")
	}
}

// TestExecOfNothing: an Exec that fails changes nothing.
func TestExecOfNothing(t *testing.T) {
	f, _ := socket(t, "")
	if err := Exec("/no/such/program", []string{"x"}, Files{{"socket", f}}); err == nil {
		t.Fatal("it did not fail")
	}
	fd, err := number(f)
	if err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a program that is started would inherit it: %x, %v", flags, err)
	}
}

// TestStoreWithoutSupervisor: without a supervisor Store returns ErrNoSupervisor.
func TestStoreWithoutSupervisor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Store(nil); err == nil || Supervised() {
		t.Errorf("%v", err)
	}
}

// TestStore: the supervisor gets open descriptors with their names. Store returns when the
// supervisor has read them.
func TestStore(t *testing.T) {
	path := t.TempDir() + "/notify"
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	got := make(chan string, 2)
	go func() {
		for range 2 {
			text, control := make([]byte, 100), make([]byte, 100)
			n, c, _, _, err := l.ReadMsgUnix(text, control)
			if err != nil {
				return
			}
			messages, _ := unix.ParseSocketControlMessage(control[:c])
			fds, _ := unix.ParseUnixRights(&messages[0])
			got <- string(text[:n])
			unix.Close(fds[0])
		}
	}()
	f, _ := socket(t, "")
	if err := Store(Files{{"mroute", f}}); err != nil {
		t.Fatal(err)
	}
	if first, second := <-got, <-got; first != "FDSTORE=1\nFDNAME=mroute" || second != "BARRIER=1" {
		t.Errorf("told %q and %q", first, second)
	}
}
