package manage

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse means that another daemon answers on the socket.
var ErrInUse = errors.New("another daemon answers on this socket")

// Listen makes the console socket. Its owner can use it, and the members of a group, if one
// is named. It replaces a socket that a dead daemon has left. If a daemon answers on the
// socket, the error is [ErrInUse].
func Listen(path, group string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("console socket: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("console socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("console socket %s: %w", path, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("console socket: %w", err)
	}
	if err := admit(path, group); err != nil {
		l.Close()
		return nil, fmt.Errorf("console socket: %w", err)
	}
	return l, nil
}

// admit permits the owner of a socket to use it, and a group if one is named.
func admit(path, group string) error {
	if group == "" {
		return os.Chmod(path, 0o600)
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	if err := os.Chown(path, -1, gid); err != nil {
		return err
	}
	return os.Chmod(path, 0o660)
}

// Inherit takes over a console socket that a predecessor has handed over.
func Inherit(f *os.File) (net.Listener, error) {
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("console socket: %w", err)
	}
	if socket, ok := l.(*net.UnixListener); ok {
		socket.SetUnlinkOnClose(true)
	}
	return l, nil
}

// removeStale removes a socket on which no process answers. It does not remove a file of
// another kind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("is there already and is not a socket")
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return ErrInUse
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
