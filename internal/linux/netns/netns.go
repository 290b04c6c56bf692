// Package netns makes and enters network namespaces.
//
// The network namespace is a property of a thread, not of a process. So this package locks
// the goroutine to its thread while the thread is in another namespace. If the thread
// cannot return to its old namespace, Go never gives it to another goroutine.
//
// Named namespaces are those of ip-netns(8): each is mounted on a file in Dir, so that "ip
// netns exec" finds it too.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is an open network namespace. It lives at least until Close, and
// longer if it has a name or a process in it.
type Namespace struct {
	file *os.File
	name string
}

// New creates a namespace without a name. It ends when it is closed and no process uses it.
// It contains only a loopback interface that is down.
func New() (*Namespace, error) {
	var ns *Namespace
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("create network namespace: %w", err)
		}
		ns, err = current()
		return err
	})
	if err != nil {
		return nil, err
	}
	return ns, nil
}

// current opens the namespace of the calling thread.
func current() (*Namespace, error) {
	return openPath("/proc/thread-self/ns/net")
}

// openPath opens a namespace by its file, such as /proc/PID/ns/net.
func openPath(path string) (*Namespace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	return &Namespace{file: f}, nil
}

// FD returns the descriptor of the namespace, valid until Close. It serves to put links
// and sockets into the namespace.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Path returns a file by which other processes can open the namespace: the file of its
// name, or this process's descriptor in /proc.
func (n *Namespace) Path() string {
	if n.name != "" {
		return filepath.Join(Dir, n.name)
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.FD())
}

// Close closes the descriptor. It does not remove the namespace's name.
func (n *Namespace) Close() error { return n.file.Close() }

// Do runs f on the calling goroutine with its thread in the namespace, and then moves the
// thread back. Sockets that f opens stay in the namespace for good; goroutines that f
// starts do not run in it.
//
// If the thread cannot move back, Do returns an error and the goroutine stays locked to
// its thread, so that the thread ends with the goroutine.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := n.set(); err != nil {
			return err
		}
		return f()
	})
}

// Enter moves the calling goroutine into the namespace for the rest of its life. The
// goroutine stays locked to its thread, and the thread ends with the goroutine.
func (n *Namespace) Enter() error {
	runtime.LockOSThread()
	if err := n.set(); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	return nil
}

// Start starts a command inside the namespace.
func (n *Namespace) Start(cmd *exec.Cmd) error { return n.Do(cmd.Start) }

// Run starts a command inside the namespace and waits for it to end.
func (n *Namespace) Run(cmd *exec.Cmd) error {
	if err := n.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

func (n *Namespace) set() error {
	if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", n.Path(), err)
	}
	return nil
}

// onThread runs f on a locked thread. Afterwards it moves the thread back into its former
// namespace, whatever f did.
func onThread(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := current()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	// Deferred, so that the thread also comes back after a panic and after runtime.Goexit
	// (a failing test).
	defer func() {
		back := home.set()
		home.Close()
		if back != nil {
			err = errors.Join(err, fmt.Errorf("thread is lost: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}
