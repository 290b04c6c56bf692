package inherit

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// ErrNoSupervisor means that no supervisor listens to notifications: NOTIFY_SOCKET is not
// set.
var ErrNoSupervisor = errors.New("no supervisor takes notifications")

// Supervised reports whether a supervisor takes notifications.
func Supervised() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// Notify sends a state, such as daemon.SdNotifyReady, to the supervisor, if there is one.
func Notify(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// barrierLimit is how long the supervisor may take to read the notifications.
const barrierLimit = 5 * time.Second

// Store puts the files into the supervisor's store and waits until the supervisor has
// them.
func Store(files Files) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer unix.Close(c.fd)
	for _, f := range files {
		fd, err := number(f.File)
		if err == nil {
			err = send(c, "FDSTORE=1\nFDNAME="+f.Name, fd)
		}
		if err != nil {
			return fmt.Errorf("store %s: %w", f.Name, err)
		}
	}
	return barrier(c)
}

// Forget removes the files with the names from the supervisor's store, if there is one.
func Forget(names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, Notify("FDSTOREREMOVE=1\nFDNAME="+name))
	}
	return errors.Join(errs...)
}

// barrier waits until the supervisor has read all notifications. It sends the end of a
// pipe, which the supervisor closes when it reads this notification.
func barrier(c notifications) error {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(pipe[0])
	err := send(c, "BARRIER=1", pipe[1])
	unix.Close(pipe[1])
	if err != nil {
		return err
	}
	poll := []unix.PollFd{{Fd: int32(pipe[0])}}
	for end := time.Now().Add(barrierLimit); ; {
		n, err := unix.Poll(poll, int(time.Until(end).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return errors.New("the supervisor does not read its notifications")
		default:
			return nil
		}
	}
}

// notifications is the connection to the supervisor's socket. (The standard library cannot
// send descriptors over a connected socket of this kind.)
type notifications struct {
	fd int
	to *unix.SockaddrUnix
}

func dial() (c notifications, err error) {
	c.to = &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	if c.to.Name == "" {
		return c, ErrNoSupervisor
	}
	c.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return c, err
}

func send(c notifications, state string, fd int) error {
	return unix.Sendmsg(c.fd, []byte(state), unix.UnixRights(fd), c.to, 0)
}
