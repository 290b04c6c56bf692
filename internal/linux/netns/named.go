package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir holds the named namespaces, as ip-netns(8) expects it.
const Dir = "/run/netns"

// ErrExists means that the name is already in use.
var ErrExists = errors.New("namespace exists")

// Create makes a namespace with a name. It exists until Delete, even after this process
// has ended. It returns ErrExists if the name is taken.
//
// In a user namespace, another user usually owns Dir. Then the process needs a private
// mount namespace. There Create mounts an empty file system on Dir, or on /run if Dir
// does not exist. Other processes do not see it.
func Create(name string) (*Namespace, error) {
	path, err := namePath(name)
	if err != nil {
		return nil, err
	}
	if err := prepareDir(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrExists, name)
	}
	if err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", name, err)
	}
	f.Close()
	ns, err := newMounted(path)
	if err != nil {
		os.Remove(path)
		return nil, fmt.Errorf("create namespace %s: %w", name, err)
	}
	ns.name = name
	return ns, nil
}

// Delete removes the name. The namespace and its links exist until the last process and
// descriptor that use it are gone. If there is no such name, Delete returns no error.
func Delete(name string) error {
	path, err := namePath(name)
	if err != nil {
		return err
	}
	// The namespace is not mounted: only the file must be removed.
	err = unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount namespace %s: %w", name, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove namespace %s: %w", name, err)
	}
	return nil
}

// Names lists the named namespaces, sorted.
func Names() ([]string, error) {
	entries, err := os.ReadDir(Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func namePath(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return "", fmt.Errorf("%q cannot name a namespace", name)
	}
	return filepath.Join(Dir, name), nil
}

// newMounted makes a namespace and mounts it on a file.
func newMounted(path string) (*Namespace, error) {
	var ns *Namespace
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount: %w", err)
		}
		ns, err = openPath(path)
		return err
	})
	return ns, err
}

// prepareDir makes Dir a directory in which namespaces can be mounted.
func prepareDir() error {
	err := os.MkdirAll(Dir, 0o755)
	if err == nil {
		err = unix.Access(Dir, unix.W_OK)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return privateDir()
	}
	if err != nil {
		return fmt.Errorf("namespace directory: %w", err)
	}
	return shareDir()
}

// shareDir makes mounts in Dir visible in other mount namespaces. Otherwise a service in
// its own mount namespace would keep a deleted network namespace alive.
func shareDir() error {
	err := unix.Mount("", Dir, "", unix.MS_SHARED|unix.MS_REC, "")
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	// Dir must be a mount point. To make it one, it is mounted on itself.
	if err := unix.Mount(Dir, Dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("namespace directory: %w", err)
	}
	return unix.Mount("", Dir, "", unix.MS_SHARED|unix.MS_REC, "")
}

// privateDir puts an empty file system on Dir inside a private mount namespace.
func privateDir() error {
	on := Dir
	if _, err := os.Stat(Dir); err != nil {
		on = filepath.Dir(Dir)
	}
	if err := unix.Mount("tmpfs", on, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("%s is not ours and no file system can be mounted on it (a private mount namespace is needed): %w", on, err)
	}
	return os.MkdirAll(Dir, 0o755)
}
