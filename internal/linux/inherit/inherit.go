// Package inherit hands open descriptors on from a program to its successor. There are
// two ways. Either systemd keeps the descriptors in its file-descriptor store, while the
// old process ends and a new one starts. Or the same process becomes the new program by
// exec. The files and sockets stay open all the time, so the kernel does not remove the
// state that belongs to them.
//
// With systemd this is FDSTORE=1 (sd_notify(3)) and the LISTEN_FDS environment
// (sd_listen_fds(3)). Descriptors in the store are passed at every start until they are
// removed from it.
package inherit

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// File is an open descriptor with a name. Several files may have the same name.
type File struct {
	Name string
	File *os.File
}

// Files are the descriptors that were handed over.
type Files []File

// variable is the environment variable with the descriptors that come through exec:
// "name=7,name=9".
const variable = "TANDEM_INHERITED"

// Take returns the descriptors that the predecessor has left, none at a first start. It may
// be called once.
func Take() Files {
	var files Files
	for _, f := range activation.Files(true) {
		files = append(files, File{f.Name(), f})
	}
	list := os.Getenv(variable)
	os.Unsetenv(variable)
	for item := range strings.SplitSeq(list, ",") {
		name, number, _ := strings.Cut(item, "=")
		if fd, err := strconv.Atoi(number); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
			files = append(files, File{name, os.NewFile(uintptr(fd), name)})
		}
	}
	return files
}

// All removes the files with a name from the list and returns them.
func (f *Files) All(name string) (found []*os.File) {
	rest := (*f)[:0]
	for _, file := range *f {
		if file.Name == name {
			found = append(found, file.File)
		} else {
			rest = append(rest, file)
		}
	}
	*f = rest
	return found
}

// One removes one file with a name from the list and returns it, or nil if there is none.
func (f *Files) One(name string) *os.File {
	all := f.All(name)
	if len(all) == 0 {
		return nil
	}
	for _, more := range all[1:] {
		more.Close()
	}
	return all[0]
}

// Bound removes one IPv6 socket with a name from the list and returns it, or nil if there
// is none. The socket must be bound to the address and, if device is not empty, to that
// network device.
func (f *Files) Bound(name string, at netip.AddrPort, device string) *os.File {
	for i, file := range *f {
		if file.Name != name {
			continue
		}
		fd, err := number(file.File)
		if err != nil {
			continue
		}
		on, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
		if err != nil || on != device {
			continue
		}
		bound, err := unix.Getsockname(fd)
		if sa, ok := bound.(*unix.SockaddrInet6); err == nil && ok &&
			netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)) == netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()) {
			*f = slices.Delete(*f, i, i+1)
			return file.File
		}
	}
	return nil
}

// Close closes the files that are still in the list.
func (f *Files) Close() {
	for _, file := range *f {
		file.File.Close()
	}
	*f = nil
}

// Descriptor returns the descriptor of a file and closes the file. The descriptor is
// non-blocking, as the runtime's poller needs it.
func Descriptor(f *os.File) (int, error) {
	fd, err := number(f)
	if err == nil {
		fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	}
	f.Close()
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return fd, err
}

// number returns the descriptor of a file. File.Fd would make the descriptor blocking.
func number(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd, err
}

// Exec replaces this program by another one, which gets the files by Take. It returns
// only if that fails; then nothing has changed.
func Exec(program string, args []string, files Files) error {
	var items []string
	for _, f := range files {
		fd, err := number(f.File)
		if err != nil {
			return fmt.Errorf("hand on %s: %w", f.Name, err)
		}
		items = append(items, fmt.Sprintf("%s=%d", f.Name, fd))
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("hand on %s: %w", f.Name, err)
		}
		defer unix.CloseOnExec(fd)
	}
	env := append(os.Environ(), variable+"="+strings.Join(items, ","))
	return fmt.Errorf("become %s: %w", program, unix.Exec(program, args, env))
}
